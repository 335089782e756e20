export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The names of the values in a message, as far as its type can tell: each `{name}` and `{name, plural, …}`. */
export type ValuesIn<Message extends string> = Message extends `${string}{${infer Rest}`
  ? (Rest extends `${infer Head}}${string}` ? NameIn<Head> : never) | ValuesIn<Rest>
  : never;
/** A branch of a plural has blanks or `#` in it (`one {# post}`), a name has neither. */
type NameIn<Head extends string> = Head extends `${infer Name},${string}` ? OneWord<Name> : OneWord<Head>;
type OneWord<Text extends string> = Text extends `${string}${' ' | '#' | '{' | '.' | '\n'}${string}` | '' ? never : Text;

type Texts = Readonly<Record<string, string>>;

/** Texts in every language, each a message of ICU MessageFormat. */
export interface Catalogue<English extends Texts = Texts> {
  readonly en: English;
  readonly de: Readonly<Record<keyof English, string>>;
}

/**
 * The texts of a page, or of a part of the client. English says what there is; a text that another language lacks, or has beside, fails the types. That
 * all languages take the same values is looked at by `tests/web/texts.test.ts`.
 */
export const catalogue = <const English extends Texts>(texts: Catalogue<English>): Catalogue<English> => texts;
