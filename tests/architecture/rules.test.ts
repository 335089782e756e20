import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What asks for a role by itself, and not by `can` of a domain. */
const asksForRole = (text: string): boolean => /\bhasRole\(/.test(text);

it('decides what a role may do in the rules.ts of each domain, and nowhere beside it', () => {
  const beside = readdirSync('src/domains', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('/rules.ts'))
    .filter((file) => asksForRole(readFileSync(`src/domains/${file}`, 'utf8')));
  expect(beside).toEqual([]);
});
