import { browserStorage } from '../api/storage.js';
import { LANGUAGES, type Language } from '../i18n/catalogue.js';

/** What somebody has chosen in this browser; `system` leaves it to the system. `public/preferences.js` reads it before the first paint. */
export interface Preferences {
  readonly theme: 'system' | 'light' | 'dark';
  readonly language: 'system' | Language;
  /** The type of long reading. */
  readonly reading: 'sans' | 'serif';
}

const KEY = 'lyceum:preferences';
const DEFAULTS: Preferences = { theme: 'system', language: 'system', reading: 'sans' };

const isOneOf = <Value extends string>(value: unknown, values: readonly Value[]): value is Value =>
  typeof value === 'string' && (values as readonly string[]).includes(value);

const read = (): Preferences => {
  try {
    const kept = JSON.parse(browserStorage.getItem(KEY) ?? '{}') as Partial<Record<keyof Preferences, unknown>>;
    return {
      theme: isOneOf(kept.theme, ['light', 'dark']) ? kept.theme : DEFAULTS.theme,
      language: isOneOf(kept.language, LANGUAGES) ? kept.language : DEFAULTS.language,
      reading: isOneOf(kept.reading, ['serif']) ? kept.reading : DEFAULTS.reading,
    };
  } catch {
    return DEFAULTS;
  }
};

let present = read();
const listeners = new Set<() => void>();

/** The language of the page: the chosen one, else the first of the browser's that there is. */
export const languageOf = ({ language }: Preferences): Language => {
  if (language !== 'system') return language;
  const wanted = navigator.languages.map((tag) => tag.split('-', 1)[0]);
  return wanted.find((each) => isOneOf(each, LANGUAGES)) ?? 'en';
};

const apply = (): void => {
  const { documentElement: root } = document;
  if (present.theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = present.theme;
  root.dataset['reading'] = present.reading;
  root.lang = languageOf(present);
};

const change = (): void => {
  apply();
  for (const listener of [...listeners]) listener();
};

export const preferences = {
  get: (): Preferences => present,
  set: (changes: Partial<Preferences>): void => {
    present = { ...present, ...changes };
    browserStorage.setItem(KEY, JSON.stringify(present));
    change();
  },
  onChange: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

apply();
// Chosen in another tab.
addEventListener('storage', ({ key }) => {
  if (key !== KEY && key !== null) return;
  present = read();
  change();
});
