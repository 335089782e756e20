import { allSettings } from '../src/config.js';
import { ERROR_CODES, FIELD_ERROR_CODES } from '../src/errors.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const TABLES: Readonly<Record<string, string>> = {
  'error codes': table(
    ['code', 'status', 'retry', 'meaning'],
    Object.entries(ERROR_CODES).map(([code, { status, retry, description }]) => [`\`${code}\``, String(status), retry, description]),
  ),
  'field error codes': table(
    ['code', 'the field …'],
    Object.entries(FIELD_ERROR_CODES).map(([code, description]) => [`\`${code}\``, description]),
  ),
  settings: table(
    ['variable', 'values', 'default', 'meaning'],
    allSettings().map(({ name, kind, defaultText, meaning }) => [`\`${name}\``, kind.text, defaultText, meaning]),
  ),
};

/** A text with the tables of codes and settings as the code has them, each between `<!-- its name -->` and `<!-- end -->`. */
export const withTables = (text: string): string =>
  Object.entries(TABLES).reduce((written, [name, rows]) => {
    const start = `<!-- ${name} -->\n`;
    const [before, rest] = written.split(start, 2);
    if (before === undefined || rest === undefined) throw new Error(`The text has no place for the table "${name}".`);
    return `${before}${start}\n${rows}\n\n${rest.slice(rest.indexOf('<!-- end -->'))}`;
  }, text);
