import { describe, expect, it } from 'vitest';
import { mentionsIn } from '../../src/markdown/mentions.js';
import { renderMarkdown as render } from '../../src/markdown/render.js';
import fc from '../kit/cases.js';
import { dangersIn, HOSTILE } from '../kit/hostile-markdown.js';

const renderMarkdown = (source: string): string => render(source, { mentions: false });

const REL = 'rel="nofollow noopener noreferrer"';
/** Without the headings of the names of MathML, which every formula has. */
const formulasOf = (source: string): string[] =>
  Array.from(
    renderMarkdown(source).matchAll(/<math[^>]*?( display="block")?><semantics>(.*?)<\/semantics><\/math>/g),
    ([, display, inner = '']) => `${display === undefined ? '' : 'display: '}${inner}`,
  );

describe('renderMarkdown', () => {
  it.each(HOSTILE)('is safe against %s', (_name, source) => {
    expect(dangersIn(renderMarkdown(source))).toEqual([]);
  });

  it('notices what its own check is for', () => {
    expect(dangersIn('<img src="x" onerror="alert(1)" />')).toEqual(['attribute onerror']);
    expect(dangersIn('<a href="javascript:alert(1)">a</a>')).toEqual(['href javascript:alert(1)']);
    expect(dangersIn('<script>a</script>')).toHaveLength(2);
    expect(dangersIn('<img src=x>')).toHaveLength(1);
  });

  it('drops what a script or style says, and keeps the text of other unknown tags', () => {
    expect(renderMarkdown('a <script>alert(1)</script><style>p{}</style><blink>b</blink>')).toBe('<p>a b</p>\n');
  });

  it('marks every link and keeps relative ones', () => {
    expect(renderMarkdown('[a](../b.md#c "d")')).toBe(`<p><a href="../b.md#c" title="d" ${REL}>a</a></p>\n`);
    expect(renderMarkdown('[a](/entries/b)')).toBe(`<p><a href="/entries/b" ${REL}>a</a></p>\n`);
    expect(renderMarkdown('[a](#b)')).toBe(`<p><a href="#user-content-b" ${REL}>a</a></p>\n`);
    expect(renderMarkdown('https://a.example/?b=1&c=2')).toBe(
      `<p><a href="https://a.example/?b=1&amp;c=2" ${REL}>https://a.example/?b=1&amp;c=2</a></p>\n`,
    );
    expect(renderMarkdown('<a href="x" rel="opener" target="_blank">a</a>')).toBe(`<p><a href="x" ${REL}>a</a></p>\n`);
    expect(renderMarkdown('<a@b.example>')).toContain('href="mailto:a@b.example"');
  });

  it('keeps tables, task lists, code languages, struck text and images', () => {
    const table = renderMarkdown('| a | b |\n|:-:|--:|\n| 1 | 2 |');
    expect(table).toContain('<th align="center">a</th>');
    expect(table).toContain('<td align="right">2</td>');
    const tasks = renderMarkdown('- [x] done\n- [ ] open');
    expect(tasks.match(/<input [^>]*>/g)).toEqual(['<input type="checkbox" disabled checked />', '<input type="checkbox" disabled />']);
    expect(renderMarkdown('~~a~~ ![b](c.png "d")')).toBe('<p><del>a</del> <img src="c.png" alt="b" title="d" /></p>\n');
    expect(renderMarkdown('3. a\n4. b')).toContain('<ol start="3">');
  });

  it('is empty for nothing', () => {
    expect(renderMarkdown('')).toBe('');
  });

  it('shows a text longer than an entry may be as it was written', () => {
    expect(renderMarkdown('<'.repeat(1_000_000))).toBe(`<pre>${'&lt;'.repeat(1_000_000)}</pre>`);
  });

  it('shows what is nested too deeply, or would be too long, as it was written', () => {
    expect(renderMarkdown('>'.repeat(1_000))).toBe(`<pre>${'&gt;'.repeat(1_000)}</pre>`);
    const long = `[a]: /${'u'.repeat(2_000)}\n\n${'[a] '.repeat(1_000)}`;
    expect(renderMarkdown(long)).toBe(`<pre>${long}</pre>`);
  });
});

describe('what GitHub has beside Markdown', () => {
  it.each([
    ['~a~ ~~b~~ ~~~c~~~ ~~d~', '<p><del>a</del> <del>b</del> ~~~c~~~ ~~d~</p>\n'],
    [':tada: a:+1: :nope: 10:30:45', '<p>🎉 a👍 :nope: 10:30:45</p>\n'],
    ['![a :tada: $x$](b.png)', '<p><img src="b.png" alt="a 🎉 $x$" /></p>\n'],
    ['`:tada:` [:tada:](/x)', `<p><code>:tada:</code> <a href="/x" ${REL}>🎉</a></p>\n`],
    ['https://例え.jp', `<p><a href="https://xn--r8jz45g.jp" ${REL}>https://例え.jp</a></p>\n`],
    ['[https://x.org]', `<p>[<a href="https://x.org" ${REL}>https://x.org</a>]</p>\n`],
    ['www.x.org/a. readme.md //x.org', `<p><a href="http://www.x.org/a" ${REL}>www.x.org/a</a>. readme.md //x.org</p>\n`],
    ['left-pad@1.3.0 core@4.0.0-next.1 a@b', '<p>left-pad@1.3.0 core@4.0.0-next.1 a@b</p>\n'],
    ['&lt;me@x.org&gt;.', `<p>&lt;<a href="mailto:me@x.org" ${REL}>me@x.org</a>&gt;.</p>\n`],
    ['_see https://x.org/a_b_', `<p><em>see <a href="https://x.org/a_b" ${REL}>https://x.org/a_b</a></em></p>\n`],
    ['me@x.org', `<p><a href="mailto:me@x.org" ${REL}>me@x.org</a></p>\n`],
  ])('makes of %j', (source, html) => {
    expect(renderMarkdown(source)).toBe(html);
  });

  it('has notes at the end, each with the ways back', () => {
    const html = renderMarkdown('a[^1] b[^x] c[^1]\n\n[^1]: One *note*\n[^x]: Two\n[^y]: Nobody asks');
    expect(html).toContain(
      `<sup class="footnote-ref"><a href="#user-content-fn-1" ${REL} id="user-content-fnref-1" role="doc-noteref">1</a></sup>`,
    );
    expect(html).toContain('<section class="footnotes" role="doc-endnotes">\n<ol>\n<li id="user-content-fn-1"><p>One <em>note</em> ');
    expect(Array.from(html.matchAll(/href="#user-content-(fnref[^"]*)"/g), ([, id]) => id)).toEqual(['fnref-1', 'fnref-1-2', 'fnref-2']);
    expect(html).not.toContain('Nobody asks');
    expect(renderMarkdown('[^1] ^[a]')).toBe('<p>[^1] ^[a]</p>\n');
  });

  it.each(['note', 'TIP', 'Important', 'warning', 'CAUTION'])('marks a %s', (kind) => {
    const name = kind.toLowerCase();
    const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    expect(renderMarkdown(`> [!${kind}]\n> a **b**\n>\n> c`)).toBe(
      `<div class="markdown-alert markdown-alert-${name}">\n<p class="markdown-alert-title">${title}</p>\n<p>a <strong>b</strong></p>\n<p>c</p>\n</div>\n`,
    );
  });

  it.each(['> [!NOTE] a', '> [!OTHER]\n> a', '- > [!NOTE]\n  > a', '[!NOTE]\na'])('takes %j for no alert', (source) => {
    expect(renderMarkdown(source)).not.toContain('markdown-alert');
  });

  it('shows an alert of nothing but its name, and a quote within one', () => {
    const html = renderMarkdown('> [!TIP]\n\n> [!NOTE]\n> > a');
    expect(html).toContain('<div class="markdown-alert markdown-alert-tip">\n<p class="markdown-alert-title">Tip</p>\n</div>');
    expect(html).toContain('<p class="markdown-alert-title">Note</p>\n<blockquote>\n<p>a</p>\n</blockquote>\n</div>');
  });

  it('knows the boxes of tasks from what looks like them', () => {
    const items = renderMarkdown('- [x] a\n- [X] b\n- [ ] c\n- [ ]d\n- [x](/y)\n- e [ ] f\n\n[ ] g');
    expect(items.match(/<input [^>]*>/g)).toHaveLength(3);
    expect(items.match(/ checked/g)).toHaveLength(2);
    expect(renderMarkdown('1. [x] a\n\n   b')).toContain(
      '<li class="task-list-item">\n<p><input type="checkbox" disabled checked /> a</p>',
    );
  });

  it('colours code of languages that it knows, and escapes all of it', () => {
    expect(renderMarkdown('```js\nlet a = 1 < 2;\n```')).toContain('<code class="language-js"><span class="hljs-keyword">let</span> a = ');
    expect(renderMarkdown('```none-such\n<b>\n```')).toBe('<pre><code class="language-none-such">&lt;b&gt;\n</code></pre>\n');
    expect(renderMarkdown('```\nlet a\n```')).toBe('<pre><code>let a\n</code></pre>\n');
    expect(render('```js\nlet a\n```', { mentions: false, plainly: true })).toBe('<pre><code class="language-js">let a\n</code></pre>\n');
  });
});

describe('formulas', () => {
  it('stand in a line and by themselves, in each of their forms', () => {
    const x = '<mrow><mi>x</mi></mrow>';
    expect(formulasOf('a $x$ b $`x`$ c $$x$$')).toEqual([x, x, `display: ${x}`]);
    expect(formulasOf('$$\nx\n$$\n\n> $$\n> x\n> $$\n\n```math\nx\n```')).toEqual(Array(3).fill(`display: ${x}`));
    expect(formulasOf('$\\frac12$')).toEqual(['<mrow><mfrac><mn>1</mn><mn>2</mn></mfrac></mrow>']);
    expect(formulasOf('**$x_1$** and $y_1$ in _one_ | line')).toHaveLength(2);
  });

  it.each([
    'costs $5 and $6',
    'US$5 or CA$7',
    '$ x $',
    '\\$x\\$',
    '`$x$`',
    '    $x$',
    '[a](/$x$)',
    'a$x$',
    '$x$5',
    '$HOME/$USER',
    '_$data_ [$data x](/y)',
    '$$',
    '$$\n\nx',
  ])('are none of %j', (source) => {
    expect(renderMarkdown(source)).not.toContain('<math');
  });

  it('that say nothing, or too much, are shown as they were written', () => {
    const shown = (formula: string): string => renderMarkdown(`$${formula}$`);
    expect(shown('\\nonsense{x}')).toBe('<p><code class="language-math">$\\nonsense{x}$</code></p>\n');
    for (const much of ['{'.repeat(30) + 'x' + '}'.repeat(30), '\\frac1'.repeat(201), '\\def\\a{\\a\\a}\\a'])
      expect(shown(much)).not.toContain('<math');
    expect(formulasOf('$x$ '.repeat(1_010))).toHaveLength(1_000);
  });
});

describe('headings', () => {
  const idsOf = (source: string): string[] =>
    Array.from(renderMarkdown(source).matchAll(/id="user-content-([^"]*)"/g), ([, id = '']) => id);
  const targetsOf = (source: string): string[] =>
    Array.from(renderMarkdown(source).matchAll(/href="([^"]*)"/g), ([, href = '']) => decodeURIComponent(href));

  it('have ids as GitHub makes them, with a prefix', () => {
    expect(idsOf('# A *b* `c`\n\n## Über & Co\n\nD\n===\n\n### 日本語 :tada: x_y')).toEqual(['a-b-c', 'über--co', 'd', '日本語-tada-x_y']);
    expect(idsOf('# A\n\n# A\n\n# A-1\n\n# A')).toEqual(['a', 'a-1', 'a-1-1', 'a-2']);
    expect(renderMarkdown('# A {#own-name}')).toBe('<h1 id="user-content-own-name">A</h1>\n');
    expect(idsOf('<h2 id="x">a</h2>\n\n<a name="y"></a>')).toEqual(['x', 'y']);
    expect(idsOf('<h3 align="center">A <b>b</b> &amp; c</h3>\n\n# ⚠️ A b  c')).toEqual(['a-b--c', '-a-b--c']);
  });

  it('are found by the links within a text', () => {
    const text = '# My Part\n\n# Über\n\n';
    expect(targetsOf(`${text}[a](#my-part) [b](#My%20Part) [c](#über) [d](#%C3%9Cber) [e](#else) [f](#)`)).toEqual([
      ...['#user-content-my-part', '#user-content-my-part', '#user-content-über', '#user-content-über', '#user-content-else', '#'],
    ]);
    expect(targetsOf('[a](/entries/b#my-part)')).toEqual(['/entries/b#my-part']);
  });
});

describe('whatever is written', () => {
  const PIECES = [
    ...[
      '[a](b)',
      '[a][b]',
      '[b]: javascript:alert(1)\n',
      '![a](b)',
      '<b>',
      '</b>',
      '<a href="',
      '<div id="x">',
      '<td align="',
      '<!--',
      '-->',
      '<script>',
      '</script>',
      '<svg>',
      '<math>',
    ],
    ...[
      '$',
      '$$',
      '$x$',
      '\n$$\n',
      '\\text{',
      '\\href{javascript:alert(1)}{',
      '}',
      '`',
      '```math\n',
      '\n```\n',
      '~',
      '~~',
      '*',
      '_',
      ':tada:',
      '[^1]',
      '\n[^1]: ',
      '# ',
      '{#x"}',
    ],
    ...[
      '\n',
      '\n\n',
      '> ',
      '> [!NOTE]\n',
      '- ',
      '- [x] ',
      '| ',
      '\n|-|-|\n',
      '@ada',
      'https://x.org/',
      'www.x.org',
      'me@x.org',
      '"',
      "'",
      '<',
      '>',
      '&lt;',
      '&quot;',
      '\\',
      ' ',
      'a',
    ],
  ];
  const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((parts) => parts.join(''));

  it('is safe, and mentions those of whom it makes links', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const html = render(text, { mentions: true });
        expect(dangersIn(html)).toEqual([]);
        const linked = Array.from(html.matchAll(/href="\/people\/([^"]*)"/g), ([, name = '']) => name);
        expect(mentionsIn(text)).toEqual(linked);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('mentions', () => {
  const renderTalk = (source: string): string => render(source, { mentions: true });
  const link = (name: string): string => `<a href="/people/${name}" ${REL}>@${name}</a>`;
  /** What is linked, in the order of the text. */
  const linkedIn = (html: string): string[] => Array.from(html.matchAll(/href="\/people\/([^"]*)"/g), ([, name = '']) => name);

  it('are links to profiles in what people say, and what they are in an article', () => {
    expect(renderTalk('Hello @Mary-Ann_2!')).toBe(`<p>Hello ${link('Mary-Ann_2')}!</p>\n`);
    expect(renderMarkdown('Hello @ada')).toBe('<p>Hello @ada</p>\n');
  });

  it.each<[string, string[]]>([
    ['@ada, @ben.\n(@cleo)', ['ada', 'ben', 'cleo']],
    ['**@ada** _@ben_ ~~@cleo~~ "@dan"', ['ada', 'ben', 'cleo', 'dan']],
    ['# @ada\n\n> @ben\n\n- @cleo\n- [ ] @dan\n\n| @eve |\n|--|\n| @fay |', ['ada', 'ben', 'cleo', 'dan', 'eve', 'fay']],
    ['`@ada` ``@ada``\n\n```\n@ada\n```\n\n    @ada', []],
    ['[@ada](/x) [**@ada**](/x) ![@ada](/x) <https://x.example/@ada> https://x.example/@ada', []],
    ['[@ada]\n\n[@ada]: /x', []],
    ['<code>@ada</code> <a href="/x">to **@ada**</a> <pre>@ada</pre> <b>@ben</b>', ['ben']],
    ['<pre>\n@ada\n</pre>\n\n@ben', ['ben']],
    ['ada@example.org me@ada.example x@ada .@ada @@ada \\@ada', []],
    ['@ad @ada_nd_so_on_for_more_than_thirty_characters @1ada @adaß', []],
    ['@ada@mastodon.example @ada/core example.org/@ada /@ada <!-- @ada -->', []],
    ['@ada- @ben-- (@cleo-), @dan-ny- @eve/ or @fay', ['ada', 'ben', 'cleo', 'dan-ny', 'eve', 'fay']],
    ['x*@ada* and \\\\@ben', ['ada', 'ben']],
    ['日本語@ada日本語 @ben는', ['ada', 'ben']],
    ['@ada&lt; <@ben> @cleo"onmouseover="', ['ada', 'ben', 'cleo']],
  ])('of %j are those that notify', (source, names) => {
    const html = renderTalk(source);
    expect(linkedIn(html)).toEqual(names);
    expect(mentionsIn(source)).toEqual(names);
    expect(dangersIn(html)).toEqual([]);
  });

  it.each(HOSTILE)('leave it safe against %s', (_name, source) => {
    expect(dangersIn(renderTalk(source))).toEqual([]);
    expect(dangersIn(renderTalk(`@ada ${source} @ada`))).toEqual([]);
  });
});
