import { PERSONAL_TABLES } from '../src/domains/privacy/personal-tables.js';

/** The table of docs/data-protection.md: every table that has to do with users. */
export const dataTable = (): string =>
  [
    '| table | what an export has of it | when the account is deleted |',
    '| --- | --- | --- |',
    ...PERSONAL_TABLES.map(({ table, exported, afterwards }) => {
      const told = typeof exported === 'string' ? `nothing: ${exported}` : `${exported.title}: \`${exported.name}.json\``;
      return `| \`${table}\` | ${told} | ${afterwards} |`;
    }),
  ].join('\n');

const START = '<!-- tables of people -->\n';
const END = '<!-- end -->';

/** A page with the table as the code has it. */
export const withDataTable = (text: string): string => {
  const [before, rest] = text.split(START, 2);
  if (before === undefined || rest === undefined) throw new Error('The page has no place for the table.');
  return `${before}${START}\n${dataTable()}\n\n${rest.slice(rest.indexOf(END))}`;
};
