import { createContext, use, useMemo, type ReactNode } from 'react';
import type { Catalogue, Language, ValuesIn } from './catalogue.js';
import { format, formatRich } from './message.js';

const LanguageContext = createContext<Language>('en');

export const LanguageProvider = ({ language, children }: { readonly language: Language; readonly children: ReactNode }) => (
  <LanguageContext value={language}>{children}</LanguageContext>
);

export const useLanguage = (): Language => use(LanguageContext);

type Values<Message extends string, Value> = [ValuesIn<Message>] extends [never]
  ? []
  : [values: Readonly<Record<ValuesIn<Message>, Value>>];

/** Gives a text of a catalogue in the language of the page. */
export interface Translate<English extends Readonly<Record<string, string>>> {
  <Key extends keyof English & string>(key: Key, ...values: Values<English[Key], string | number>): string;
  /** With values that are elements: `t.rich('by', { name: <Link … /> })`. */
  readonly rich: <Key extends keyof English & string>(key: Key, ...values: Values<English[Key], ReactNode>) => ReactNode[];
}

/** The texts of a catalogue: `const t = useTexts(vaultTexts); t('entries', { count: 3 })`. */
export const useTexts = <English extends Readonly<Record<string, string>>>(texts: Catalogue<English>): Translate<English> => {
  const language = useLanguage();
  return useMemo(
    () =>
      Object.assign((key: keyof English & string, values = {}) => format(texts[language][key], values, language), {
        rich: (key: keyof English & string, values = {}) => formatRich(texts[language][key], values, language),
      }) as Translate<English>,
    [texts, language],
  );
};

/** Numbers and times in the language of the page. */
export interface Formats {
  readonly number: (value: number) => string;
  /** A date and a time to the minute. */
  readonly exact: (time: Date) => string;
  readonly date: (time: Date) => string;
  /** Only the hour and the minute. */
  readonly clock: (time: Date) => string;
  /** Seen from `now`, in milliseconds: "5 minutes ago"; after a week the date. */
  readonly relative: (time: Date, now: number) => string;
}

const STEPS: readonly (readonly [limitMs: number, unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  [45_000, 'second', 1_000],
  [45 * 60_000, 'minute', 60_000],
  [22 * 3_600_000, 'hour', 3_600_000],
  [7 * 86_400_000, 'day', 86_400_000],
];

const formatsOf = (language: Language): Formats => {
  const numbers = new Intl.NumberFormat(language);
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' });
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  return {
    number: (value) => numbers.format(value),
    exact: (time) => exact.format(time),
    date: (time) => date.format(time),
    clock: (time) => clock.format(time),
    relative: (time, now) => {
      const ago = time.getTime() - now;
      const step = STEPS.find(([limit]) => Math.abs(ago) < limit);
      if (!step) return date.format(time);
      const [, unit, ms] = step;
      // What is younger than that is "now", also when the clocks differ a little.
      return unit === 'second' ? relative.format(0, 'second') : relative.format(Math.round(ago / ms), unit);
    },
  };
};

const made = new Map<Language, Formats>();

/** The formats of the page's language: made once, since those of Intl are large and slow to make, and every row of a list has some. */
export const useFormats = (): Formats => {
  const language = useLanguage();
  const formats = made.get(language) ?? formatsOf(language);
  made.set(language, formats);
  return formats;
};
