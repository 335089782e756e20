import { describe, expect, it } from 'vitest';
import { createRenderer } from '../../../src/domains/knowledge/markdown.js';
import { slugify } from '../../../src/domains/knowledge/slug.js';

/** The time that this process has worked since then, in milliseconds. */
const millisecondsSince = (started: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
};

const TAGS = new Set(
  (
    'h1 h2 h3 h4 h5 h6 p br hr div span blockquote pre details summary ul ol li dl dt dd table caption thead tbody ' +
    'tfoot tr th td input a img code kbd samp var em strong i b u s del ins sub sup mark small abbr cite q ' +
    'figure figcaption'
  ).split(' '),
);
const ATTRIBUTES = /^(?:href|src|title|rel|alt|width|height|start|align|colspan|rowspan|open|type|checked|disabled|class)$/;

const decode = (value: string): string =>
  value.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** Says what in a piece of HTML, written the strict way of a serialiser, a browser could be hurt by. */
const dangersIn = (html: string): string[] => {
  const dangers: string[] = [];
  const tag = /<(\/?)([a-z0-9]+)((?: [a-z-]+(?:="[^"<>]*")?)*) ?\/?>/g;
  const rest = html.replace(tag, (_tag, slash, name, attributes) => {
    if (!TAGS.has(String(name))) dangers.push(`tag ${name}`);
    if (slash === '/' && attributes !== '') dangers.push('attributes of an end tag');
    for (const [, attribute = '', value = ''] of String(attributes).matchAll(/ ([a-z-]+)(?:="([^"]*)")?/g)) {
      if (!ATTRIBUTES.test(attribute)) dangers.push(`attribute ${attribute}`);
      if (attribute === 'class' && !/^language-\S+$/.test(value)) dangers.push(`class ${value}`);
      if (attribute === 'href' || attribute === 'src') {
        const { protocol } = new URL(decode(value), 'https://lyceum.example');
        const allowed = attribute === 'src' ? ['http:', 'https:'] : ['http:', 'https:', 'mailto:'];
        if (!allowed.includes(protocol)) dangers.push(`${attribute} ${value}`);
      }
    }
    return '';
  });
  if (/[<>]/.test(rest)) dangers.push(`left over: ${rest}`);
  return dangers;
};

/** With so much time that no text here exceeds it, however busy the machine is. */
const renderMarkdown = createRenderer(60_000);
/** With the time budget of the server, for texts that exceed it. */
const renderInTime = createRenderer();

describe('renderMarkdown', () => {
  it.each([
    ['script', '<script>alert(1)</script>'],
    ['script in a paragraph', 'a <script src="https://evil.example/x.js"></script> b'],
    ['script, split', '<scr<script>ipt>alert(1)</scr</script>ipt>'],
    ['script, unclosed', '<script>alert(1)'],
    ['script, odd case and space', '<ScRiPt\n>alert(1)</sCrIpT >'],
    ['script, slash', '<script/x>alert(1)</script>'],
    ['event handler', '<img src="x" onerror="alert(1)">'],
    ['event handler, no quotes', '<img src=x onerror=alert(1)//'],
    ['event handler, slash', '<img/src=x/onerror=alert(1)>'],
    ['event handler on what is allowed', '<p onclick="alert(1)" onmouseover=alert(2)>a</p>'],
    ['details', '<details open ontoggle=alert(1)>a</details>'],
    ['body', '<body onload=alert(1)>'],
    ['svg', '<svg onload=alert(1)>'],
    ['svg with script', '<svg><script>alert(1)</script></svg>'],
    ['svg animation', '<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>'],
    ['svg use', '<svg><use href="data:image/svg+xml,<svg id=x><script>alert(1)</script></svg>#x"/></svg>'],
    ['svg image by address', '![a](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)'],
    ['math', '<math><maction actiontype="statusline" xlink:href="javascript:alert(1)">x</maction></math>'],
    ['mutation by math', '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">'],
    ['mutation by noscript', '<noscript><p title="</noscript><img src=x onerror=alert(1)>">'],
    ['mutation by svg style', '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">'],
    ['style element', '<style>@import "https://evil.example/x.css";</style>'],
    ['style attribute', '<div style="background:url(javascript:alert(1));position:fixed">a</div>'],
    ['iframe', '<iframe src="javascript:alert(1)"></iframe>'],
    ['iframe srcdoc', '<iframe srcdoc="<script>alert(1)</script>"></iframe>'],
    ['object', '<object data="javascript:alert(1)"></object><embed src="javascript:alert(1)">'],
    ['form', '<form action="javascript:alert(1)"><input type=submit><button formaction=javascript:alert(1)>x</button></form>'],
    ['other input', '<input type="image" src="x" onerror="alert(1)"><input autofocus onfocus=alert(1)>'],
    ['meta and base', '<meta http-equiv="refresh" content="0;url=javascript:alert(1)"><base href="javascript:/a/">'],
    ['link element', '<link rel="stylesheet" href="javascript:alert(1)">'],
    ['template', '<template><script>alert(1)</script></template>'],
    ['video', '<video><source onerror="alert(1)"></video><audio src=x onerror=alert(1)>'],
    ['marquee', '<marquee onstart=alert(1)>a</marquee>'],
    ['textarea', '<textarea><img src=x onerror=alert(1)></textarea>'],
    ['textarea and title', '<title><img src=x onerror=alert(1)></title><xmp><img src=x onerror=alert(1)></xmp>'],
    ['option by entities', '<select><option>&lt;img src=x onerror=alert(1)&gt;</option></select>'],
    ['comment', '<!--><img src=x onerror=alert(1)>-->'],
    ['comment, odd end', '<!-- --!><img src=x onerror=alert(1)> -->'],
    ['cdata', '<![CDATA[<img src=x onerror=alert(1)>]]>'],
    ['instruction', '<?xml version="1.0"?><?php echo 1 ?><!DOCTYPE x [<!ENTITY a "b">]>'],
    ['clobbering', '<a id="document" name="getElementById">a</a><img name="cookie" id="body">'],
    ['link', '[a](javascript:alert(1))'],
    ['link, upper case', '[a](JaVaScRiPt:alert(1))'],
    ['link, entity', '[a](javascript&colon;alert(1))'],
    ['link, numeric entity', '[a](&#x6A;avascript:alert(1))'],
    ['link, entity of a tab', '[a](java&Tab;script:alert(1))'],
    ['link, entity of a newline', '<a href="java&#10;script:alert(1)">a</a>'],
    ['link, control character', '[a](\u0001javascript:alert(1))'],
    ['link, control character within', '<a href="java\u0000script:alert(1)">a</a>'],
    ['link, leading space', '<a href=" \t javascript:alert(1)">a</a>'],
    ['link, comment within', '<a href="java<!-- -->script:alert(1)">a</a>'],
    ['link, angle brackets', '[a](<javascript:alert(1)>)'],
    ['link, quote broken out of', '[a](https://x.example/"onmouseover="alert(1))'],
    ['link title broken out of', '[a](https://x.example "\\" onmouseover=\\"alert(1)")'],
    ['link, vbscript', '[a](vbscript:msgbox(1))'],
    ['link, data', '[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)'],
    ['link, file', '[a](file:///etc/passwd)'],
    ['autolink', '<javascript:alert(1)>'],
    ['reference', '[a][b]\n\n[b]: javascript:alert(1)'],
    ['reference with html title', '[a][b]\n\n[b]: x "<script>alert(1)</script>"'],
    ['image', '![a](javascript:alert(1))'],
    ['image alt broken out of', '![" onerror="alert(1)](x.png)'],
    ['image srcset', '<img srcset="javascript:alert(1) 1x" src=x>'],
    ['code language broken out of', '```"><script>alert(1)</script>\na\n```'],
    ['code language with an event', '```x" onclick="alert(1)\na\n```'],
    ['code', '`<script>alert(1)</script>`\n\n    <script>alert(1)</script>\n'],
    ['table', '| a |\n|---|\n| <img src=x onerror=alert(1)> |'],
    ['heading', '# <img src=x onerror=alert(1)>'],
    ['half a tag', '<img src="x" title="'],
    ['half a tag across Markdown', '<a href="**">x</a>**" onclick=alert(1)>'],
    ['NUL', '<scr\0ipt>alert(1)</scr\0ipt>'],
  ])('is safe against %s', (_name, source) => {
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

describe('slugify', () => {
  it.each([
    ['Getting Started', 'getting-started'],
    ['GraphQL & you', 'graphql-and-you'],
    ["Conway's Law", 'conways-law'],
    ['Ünïcödé  –  Straße', 'uenicoede-strasse'],
    ['Привет, мир', 'privet-mir'],
    ['  --a--  ', 'a'],
    ['@types/node', 'types-node'],
    ['日本語', 'entry'],
    ['', 'entry'],
  ])('makes %j %j', (text, slug) => {
    expect(slugify(text)).toBe(slug);
  });

  it('is at most 80 characters and never ends in a hyphen', () => {
    expect(slugify(`${'a'.repeat(79)} ${'b'.repeat(79)}`)).toBe('a'.repeat(79));
    expect(slugify('word '.repeat(100_000)).length).toBeLessThanOrEqual(80);
  });

  it('takes another word for what has no letters', () => {
    expect(slugify('…', 'category')).toBe('category');
  });
});
