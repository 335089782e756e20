import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What each file of the web client has to keep to, whichever page it is of. */
const ROOT = resolve(import.meta.dirname, '../../web/src');
const read = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');
const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !file.startsWith('gql/'));

const SIDE = '(?:left|right)';
/** A side of the screen where a side of the line is meant; in styles of CSS, and in those of elements. */
const PHYSICAL: readonly RegExp[] = [
  new RegExp(`(?<![\\w-])(?:(?:scroll-)?(?:margin|padding)|border|inset)-${SIDE}(?![\\w])[\\w-]*\\s*:`),
  new RegExp(`(?<![\\w-])border-(?:top|bottom)-${SIDE}-radius\\s*:`),
  new RegExp(`^\\s*${SIDE}\\s*:`),
  new RegExp(`(?<![\\w-])(?:text-align|float|clear|justify-\\w+|background-position)\\s*:\\s*${SIDE}`),
  new RegExp(`(?<![\\w.])(?:margin|padding|border)(?:Left|Right)\\w*:`),
];
/** `padding: 1px 2px 3px 4px` says a side, too, unless both are alike. */
const FOUR = /(?<![\w-])(?:margin|padding|inset)\s*:\s*((?:[^\s;()]|\([^;]*?\))+)\s+(\S+)\s+(\S+)\s+(\S+?);/;

const isPhysical = (line: string): boolean => {
  const [, , end, , start] = FOUR.exec(line) ?? [];
  return PHYSICAL.some((pattern) => pattern.test(line)) || end !== start;
};

describe('the web client', () => {
  it('says in no style left or right where it means the beginning or the end of a line', () => {
    const found = files
      .filter((file) => /\.css$/.test(file))
      .flatMap((file) =>
        read(file)
          .split('\n')
          .filter(isPhysical)
          .map((line) => `${file}: ${line.trim()}`),
      );
    const inElements = files
      .filter((file) => file.endsWith('.tsx'))
      .flatMap((file) => [...read(file).matchAll(/style=\{\{[^}]*\}\}/g)].map(([style]) => `${file}: ${style}`))
      .filter((style) => PHYSICAL.some((pattern) => pattern.test(style)));
    expect([...found, ...inElements]).toEqual([]);
  });

  it('turns every icon that points along the line where lines run from right to left', () => {
    const turned = /\[dir='rtl'\] :is\(([^)]*)\)/.exec(read('design/base.css'))?.[1] ?? '';
    const imported = files
      .filter((file) => file.endsWith('.tsx'))
      .flatMap((file) => [...read(file).matchAll(/import \{([^}]*)\} from 'lucide-react'/g)].flatMap(([, names = '']) => names.split(',')))
      .map((name) => name.trim());
    const pointing = [...new Set(imported)].filter((name) => /Left|Right|Send|^Log(In|Out)|Reply|Forward|Undo|Redo/.test(name));
    const classes = pointing.map((name) => `.lucide-${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`);
    expect(classes.filter((each) => !turned.split(', ').includes(each))).toEqual([]);
    expect(classes).not.toEqual([]);
  });

  it('calls each screen by a name on the page for developers', () => {
    const names = read('pages/developers/developers-texts.ts').split('export const screenTexts')[1] ?? '';
    const screens = files
      .filter((file) => file.endsWith('/operations.ts'))
      .map((file) => file.replace(/^pages\//, '').replace('/operations.ts', ''))
      .map((name) => name.replaceAll(/[-/](\w)/g, (_, letter: string) => letter.toUpperCase()));
    expect(screens.filter((screen) => !new RegExp(`\\b${screen}: '`).test(names))).toEqual([]);
  });
});
