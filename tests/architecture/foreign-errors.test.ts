import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Where the errors of others are recognised, each with its reason. All else asks `observability/failures.ts`. */
const RECOGNISES: Readonly<Record<string, string>> = {
  'observability/failures.ts': 'PostgreSQL, pg, Prisma, Redis and Node',
  'server/execution/document.ts': 'graphql-js, whose errors of parsing and validation have no codes',
  'server/execution/variables.ts': 'graphql-js, whose errors of variables have no codes',
};

/** How a program recognises an error that it has not made. */
const MARKS: readonly RegExp[] = [
  /\b(error|err|cause|reason)\.(name|code|errno)\s*===/,
  /\bmessage\.(includes|startsWith|endsWith|match)\(/,
  /\bmessage\s*===\s*['"A-Z]/,
  /\.(test|exec)\((\w+\.)?message\)/,
  /'ReplyError'|'P[12]\d{3}'|'[0245][0-9A-Z]{4}'/,
  /\bcode\s*===\s*'(E[A-Z]{3}|ERR_|HPE_)/,
];

const SRC = resolve(import.meta.dirname, '../../src');

/** The lines of a text that recognise an error by its name, its code or its words. */
const recognitions = (text: string): string[] => text.split('\n').filter((line) => MARKS.some((mark) => mark.test(line)));

describe('the errors of others', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.startsWith('client/') && !file.includes('/generated/'));
  const found = files.flatMap((file) =>
    recognitions(readFileSync(resolve(SRC, file), 'utf8')).map((line) => ({ file, line: line.trim() })),
  );

  it('are recognised in one place', () => {
    expect(found.filter(({ file }) => RECOGNISES[file] === undefined)).toEqual([]);
  });

  it('are recognised wherever the list says so', () => {
    expect(Object.keys(RECOGNISES).filter((place) => !found.some(({ file }) => file === place))).toEqual([]);
  });
});

describe('a recognition', () => {
  it.each([
    `if (error.name === 'ReplyError') return;`,
    `if (error instanceof pg.DatabaseError && error.code === '55P03') return;`,
    `if (error.message.includes('terminating connection')) return;`,
    `return /ECONNRESET/.test(error.message);`,
    `const missing = /^Field/.exec(message);`,
    `const UNIQUE = 'P2002';`,
  ])('is found in %s', (line) => {
    expect(recognitions(line)).toEqual([line]);
  });
});
