/** The languages that the server speaks. */
export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language for somebody with this locale, such as `de-AT`; English where the server does not speak theirs, or does not know it. */
export const languageOf = (locale: string | null): Language => {
  const wanted = locale?.split('-', 1)[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === wanted) ?? 'en';
};

/** A moment in words, with the zone that it is told in; UTC where somebody's is not known. */
export const momentIn = (language: Language, timeZone: string | null, at: Date): string =>
  new Intl.DateTimeFormat(language, {
    ...({ year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const),
    timeZone: timeZone ?? 'UTC',
  }).format(at);
