/* eslint-disable no-template-curly-in-string -- The texts are code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { builtSql } from '../../scripts/built-sql.js';

const ROOT = resolve(import.meta.dirname, '../..');

const findings = (code: string): number =>
  new Linter().verify(code, { rules: { 'no-restricted-syntax': ['error', ...builtSql] } }).filter(({ ruleId }) => ruleId !== null).length;

it.each([
  'db.$queryRawUnsafe("SELECT 1")',
  'db["$executeRawUnsafe"](text)',
  'db.$queryRaw(`SELECT ${name}`)',
  'db.$queryRaw`SELECT ${Prisma.raw(name)}`',
  'new Prisma.Sql([text], [])',
  'Prisma.sql([text])',
  'client.query(`LOCK TABLE ${name}`)',
  'client.query(start + name)',
  'client.query(parts.join(" AND "))',
  'client.query({ text: `${start} WHERE id = 1`, values })',
  'const sql = `SELECT * FROM post WHERE id = ${id}`',
  'const sql = "DELETE FROM post WHERE id = " + id + " AND true"',
  'const sql = `INSERT INTO post ` + values',
  'const sql = ["SELECT", columns, "FROM post"].join(" ")',
  'const sql = "SELECT ".concat(columns)',
  'sql += ` LIMIT ${take}`',
])('finds SQL that is put together: %s', (code) => {
  expect(findings(code)).toBeGreaterThan(0);
});

it.each([
  'db.$queryRaw`SELECT * FROM post WHERE id = ${id}`',
  'const one = Prisma.sql`SELECT * FROM post WHERE id = ${id}`; db.$queryRaw(one)',
  'client.query("SELECT 1 WHERE $1", [id])',
  'client.query({ text: "SELECT 1", values: [`${id}%`] })',
  'const label = `Select ${name} from the list`',
])('takes SQL that is written: %s', (code) => {
  expect(findings(code)).toBe(0);
});

it('has a reason for every exception', () => {
  const files = ['src', 'scripts'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(ROOT, folder, file)),
  );
  const exceptions = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(file, 'utf8').match(/eslint-disable.*no-restricted-syntax.*/g) ?? []);
  expect(exceptions.filter((line) => !/^eslint-disable-next-line no-restricted-syntax -- \w/.test(line))).toEqual([]);
  expect(exceptions).not.toEqual([]);
});
