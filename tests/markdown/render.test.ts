import { describe, expect, it } from 'vitest';
import { mentionsIn } from '../../src/markdown/mentions.js';
import { createRenderer } from '../../src/markdown/render.js';
import { dangersIn, HOSTILE } from '../kit/hostile-markdown.js';

/** The time that this process has worked since then, in milliseconds. */
const millisecondsSince = (started: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
};

/** With so much time that no text here exceeds it, however busy the machine is. */
const renderMarkdown = createRenderer({ budgetMs: 60_000 });
/** With the time budget of the server, for texts that exceed it. */
const renderInTime = createRenderer();

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
    const rel = 'rel="nofollow noopener noreferrer"';
    expect(renderMarkdown('[a](../b.md#c "d")')).toBe(`<p><a href="../b.md#c" title="d" ${rel}>a</a></p>\n`);
    expect(renderMarkdown('[a](/entries/b)')).toBe(`<p><a href="/entries/b" ${rel}>a</a></p>\n`);
    expect(renderMarkdown('[a](#b)')).toBe(`<p><a href="#b" ${rel}>a</a></p>\n`);
    expect(renderMarkdown('https://a.example/?b=1&c=2')).toBe(
      `<p><a href="https://a.example/?b=1&amp;c=2" ${rel}>https://a.example/?b=1&amp;c=2</a></p>\n`,
    );
    expect(renderMarkdown('<a href="x" rel="opener" target="_blank">a</a>')).toBe(`<p><a href="x" ${rel}>a</a></p>\n`);
    expect(renderMarkdown('<a@b.example>')).toContain('href="mailto:a@b.example"');
  });

  it('keeps tables, task lists, code languages, struck text and images', () => {
    const table = renderMarkdown('| a | b |\n|:-:|--:|\n| 1 | 2 |');
    expect(table).toContain('<th align="center">a</th>');
    expect(table).toContain('<td align="right">2</td>');
    const tasks = renderMarkdown('- [x] done\n- [ ] open');
    expect(tasks.match(/<input [^>]*>/g)).toEqual(['<input checked disabled type="checkbox" />', '<input disabled type="checkbox" />']);
    expect(renderMarkdown('```ts\nconst a = 1 < 2;\n```')).toBe('<pre><code class="language-ts">const a = 1 &lt; 2;\n</code></pre>\n');
    expect(renderMarkdown('~~a~~ ![b](c.png "d")')).toBe('<p><del>a</del> <img src="c.png" alt="b" title="d" /></p>\n');
    expect(renderMarkdown('3. a\n4. b')).toContain('<ol start="3">');
  });

  it('is empty for nothing', () => {
    expect(renderMarkdown('')).toBe('');
  });

  it('shows a text longer than an entry may be as it was written', () => {
    expect(renderMarkdown('<'.repeat(1_000_000))).toBe(`<pre>${'&lt;'.repeat(1_000_000)}</pre>`);
  });

  // Each of these takes seconds or exhausts the stack when marked is let loose on it.
  it.each([
    ['quotes in quotes', '>'.repeat(200_000)],
    ['lists in lists', '+ - * '.repeat(33_333)],
    ['numbered lists in lists', '1. '.repeat(66_666)],
    ['lists by indentation', Array.from({ length: 440 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n')],
    ['brackets', '['.repeat(200_000)],
    ['links in links', '['.repeat(50_000) + '](a)'.repeat(30_000)],
    ['lazy lines of an item', `- ${'a\n'.repeat(99_000)}`],
    ['underlined headings', 'a\n-\n'.repeat(50_000)],
    ['emphasis', '*a**b'.repeat(40_000)],
    ['tags', '<div>'.repeat(40_000)],
  ])('lets nobody hold the event loop by %s', (_name, source) => {
    const started = process.cpuUsage();
    const html = renderInTime(source);
    // A few times the budget; without one some take minutes. Of this process's own time, whatever else the machine has to do.
    expect(millisecondsSince(started)).toBeLessThan(4_000);
    expect(dangersIn(html)).toEqual([]);
    expect(html.length).toBeGreaterThan(0);
  });

  it('renders the next text right after one it gave up, and gives that one up at once the next time', () => {
    const hostile = `- ${'b **a** [c][d] \n'.repeat(12_000)}`;
    const first = renderInTime(hostile);
    expect(first.startsWith('<pre>- b **a** [c][d]')).toBe(true);
    expect(renderMarkdown('**a** [b][c] `d`\n\n[c]: e')).toBe(
      '<p><strong>a</strong> <a href="e" rel="nofollow noopener noreferrer">b</a> <code>d</code></p>\n',
    );
    const started = process.cpuUsage();
    expect(renderInTime(hostile)).toBe(first);
    expect(millisecondsSince(started)).toBeLessThan(400);
  });
});

describe('mentions', () => {
  const renderTalk = createRenderer({ budgetMs: 60_000, mentions: true });
  const link = (name: string): string => `<a href="/people/${name}" rel="nofollow noopener noreferrer">@${name}</a>`;
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
