/** Markdown that would do something in a browser if its HTML were not sanitised, each by the name of its way. */
export const HOSTILE: readonly (readonly [name: string, source: string])[] = [
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
  ['ids of the page', '<p id="root">a</p><div id="user-content-x y" name="z"><a name="lyceum"></a></div>\n\n# root\n\n## root {#cookie}'],
  ['heading with a tag in its name', '# a"><script>alert(1)</script> {#x"onclick=alert(1)}'],
  ['link to a part', '[a](#"onclick=alert(1)) [b](#%22%20onclick=alert(1)) [c](#javascript:alert(1))\n\n# javascript:alert(1)'],
  ['footnote', 'a[^1]\n\n[^1]: <img src=x onerror=alert(1)> [b](javascript:alert(1))'],
  ['footnote label broken out of', 'a[^"><script>alert(1)</script>]\n\n[^"><script>alert(1)</script>]: b'],
  ['alert', '> [!NOTE]\n> <img src=x onerror=alert(1)>\n\n> [!"onclick=alert(1)]\n> a'],
  ['classes of the page', '<div class="markdown-alert modal" style="a">a</div><span class="hljs-x fixed">b</span><p class="app">c</p>'],
  ['roles', '<a role="button" href="x">a</a><section role="dialog" aria-modal="true">b</section><p role="alert">c</p>'],
  [
    'coloured code',
    '```html\n<script>alert(1)</script><img src=x onerror=alert(1)>\n```\n\n```js\n`$' + '{"</span><script>alert(1)</script>"}`\n```',
  ],
  ['formula', '$\\text{<img src=x onerror=alert(1)>}$ $$\\text{</math><script>alert(1)</script>}$$'],
  ['formula with a link', '$\\href{javascript:alert(1)}{x}$ $\\url{javascript:alert(1)}$ $\\includegraphics{https://evil.example/x.png}$'],
  ['formula with HTML', '$\\htmlData{onclick=alert(1)}{x}$ $\\htmlStyle{position:fixed}{x}$ $\\htmlId{root}{x}$ $\\htmlClass{app}{x}$'],
  [
    'formula with a style',
    '$\\color{red;background:url(javascript:alert(1))}{x}$ $\\rule{1em;position:fixed}{1em}$ $\\colorbox{"onclick=alert(1)}{x}$',
  ],
  ['formula with macros', '$\\def\\a{\\a\\a}\\a$ $\\newcommand{\\b}{\\href{javascript:alert(1)}{x}}\\b$ $\\char`\\<$'],
  ['formula in an attribute', '<td align="\n\n$x$\n\n<p class=">a</p>\n\n<div align="$\\text{ onclick=alert(1) }$">b</div>'],
  ['formula within raw HTML', '<svg>$x$</svg> <style>$x$</style> <textarea>$x$</textarea> <table>$x$</table> <math>$x$</math>'],
  [
    'formula in a picture and a link',
    '![$\\text{"onerror=alert(1)}$](x.png) [$\\text{<a href=javascript:alert(1)>}$](https://x.example "$x$")',
  ],
  ['formula in a fence', '```math\n\\text{<script>alert(1)</script>}\n```\n\n$$\n</math><script>alert(1)</script>\n$$'],
  [
    'MathML',
    '<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml><mi href="javascript:alert(1)">x</mi></math>',
  ],
  ['emoji', ':<script>alert(1)</script>: :__proto__: :constructor: :"onclick: :smile:'],
  [
    'address in another script',
    'https://例え.jp/"onclick=alert(1) https://x.example/<script>alert(1)</script> www.x.example/"><img src=x onerror=alert(1)>',
  ],
  ['NUL', '<scr\0ipt>alert(1)</scr\0ipt>'],
];

const TAGS = new Set(
  (
    'h1 h2 h3 h4 h5 h6 p br hr div span blockquote pre details summary section ul ol li dl dt dd table caption thead tbody ' +
    'tfoot tr th td input a img code kbd samp var em strong i b u s del ins sub sup mark small abbr cite q ' +
    'figure figcaption ' +
    'math semantics mrow mi mo mn mtext mspace mover munder munderover msup msub msubsup mfrac msqrt mroot mtable mtr mtd mpadded mphantom menclose mstyle'
  ).split(' '),
);
const ATTRIBUTES =
  /^(?:href|src|title|rel|alt|width|height|start|align|colspan|rowspan|open|type|checked|disabled|class|id|role|xmlns|display|math\w+|depth|\w*space|stretchy|fence|separator|accent\w*|scriptlevel|displaystyle|m\w+size|linethickness|notation|voffset|column\w+|form|symmetric|largeop|movablelimits)$/;
/** Those that may have only some values. */
const VALUES: Readonly<Record<string, RegExp>> = {
  class:
    /^(?:language-\S+|hljs-[\w -]+|markdown-alert(?: markdown-alert-\w+)?|markdown-alert-title|task-list-item|footnotes|footnote-ref|footnote-backref)$/,
  id: /^user-content-[^\s"]*$/,
  role: /^doc-(?:noteref|backlink|endnotes)$/,
  xmlns: /^http:\/\/www\.w3\.org\/1998\/Math\/MathML$/,
};

const decode = (value: string): string =>
  value.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** Says what in a piece of HTML, written the strict way of a serialiser, a browser could be hurt by. */
export const dangersIn = (html: string): string[] => {
  const dangers: string[] = [];
  const tag = /<(\/?)([a-z0-9]+)((?: [a-z-]+(?:="[^"<>]*")?)*) ?\/?>/g;
  const rest = html.replace(tag, (_tag, slash, name, attributes) => {
    if (!TAGS.has(String(name))) dangers.push(`tag ${name}`);
    if (slash === '/' && attributes !== '') dangers.push('attributes of an end tag');
    for (const [, attribute = '', value = ''] of String(attributes).matchAll(/ ([a-z-]+)(?:="([^"]*)")?/g)) {
      if (!ATTRIBUTES.test(attribute)) dangers.push(`attribute ${attribute}`);
      if (VALUES[attribute]?.test(value) === false) dangers.push(`${attribute} ${value}`);
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
