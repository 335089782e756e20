import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/markdown/render.js';
import { RENDERER } from '../../src/markdown/version.js';
import { HOSTILE } from '../kit/hostile-markdown.js';

const TEXTS = [
  ...HOSTILE.map(([, source]) => source),
  '# A *b* {#c}\n\n## Über & Co :tada:\n\n[x](#c) <a name="y">z</a>',
  'a[^1] b[^1]\n\n[^1]: *note*\n\n> [!WARNING]\n> a\n\n- [x] b\n- [ ] c',
  '| a | b |\n|:-|-:|\n| `\\|` | ~c~ |\n\n```ts\nconst a: number = 1;\n```\n\n    code',
  '$\\frac{a}{b}$ costs $5 and $6\n\n$$\n\\sum_{i=1}^n x_i\n$$\n\n@ada www.x.org me@x.org https://例え.jp [https://x.org]',
];

/** What these texts are rendered to, by the version of the renderer. */
const DIGESTS: Readonly<Record<number, string>> = {
  1: '2f918ae58669407a',
};

describe('the version of the renderer', () => {
  // HTML is stored with it: after a change without a new version the old HTML would stay. Give RENDERER the next number, and that number this digest.
  it('grows whenever the same text is rendered to something else', () => {
    const hash = createHash('sha256');
    for (const source of TEXTS) for (const mentions of [true, false]) hash.update(`${renderMarkdown(source, { mentions })}\0`);
    expect(hash.digest('hex').slice(0, 16)).toBe(DIGESTS[RENDERER]);
  });
});
