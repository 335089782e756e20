import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** A test reads as a sentence: what is longer has two acts, or setting up that deserves a name. */
const LONGEST = 40;

/** Files with one test that is longer still, each to be taken from here when it is split; none is to be added. */
const STILL_LONGER: readonly string[] = [];

/** The first words of each test of a text that has more lines than it may, `it.each(…)(…)` and the like included. */
const longTests = (text: string): string[] => {
  const source = ts.createSourceFile('a.test.ts', text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)\b/.test(node.expression.getText(source))) {
      const body = node.arguments.find((argument) => ts.isArrowFunction(argument) || ts.isFunctionExpression(argument));
      const lines = body === undefined ? 0 : lineOf(body.getEnd()) - lineOf(body.getStart(source)) + 1;
      if (lines > LONGEST) found.push(node.arguments[0]?.getText(source) ?? '');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
};

describe('the tests', () => {
  const ROOT = resolve(import.meta.dirname, '..');
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.startsWith('generated/'));
  const long = new Map(files.map((file) => [file, longTests(readFileSync(resolve(ROOT, file), 'utf8'))]));

  it('have forty lines at most', () => {
    const found = [...long]
      .filter(([file]) => !STILL_LONGER.includes(file))
      .flatMap(([file, titles]) => titles.map((title) => [file, title]));
    expect(found).toEqual([]);
  });

  it('that are longer still are one in each file of the list, and become fewer', () => {
    expect(STILL_LONGER.map((file) => [file, long.get(file)?.length])).toEqual(STILL_LONGER.map((file) => [file, 1]));
  });
});

describe('a test that is too long', () => {
  const withLines = (head: string, lines: number): string => `${head}('grows', async () => {\n${'  act();\n'.repeat(lines - 2)}});`;

  it.each(['it', 'test', 'it.skipIf(never)', 'test.each([1, 2])', 'it.each`a`'])('is found behind %s', (head) => {
    expect(longTests(withLines(head, LONGEST))).toEqual([]);
    expect(longTests(withLines(head, LONGEST + 1))).toEqual(["'grows'"]);
  });
});
