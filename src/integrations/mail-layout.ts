import type { Language } from '../texts/language.js';
import type { MailText } from '../texts/mails.js';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** The parts of a mail from top to bottom, its link among them, as plain text. */
export const asText = ({ before, action, after }: MailText, link: string | undefined): string =>
  `${[...before, ...(link === undefined ? [] : [`${action ?? ''}:\n${link}`]), ...after].join('\n\n')}\n`;

const PARAGRAPH = 'margin:0 0 16px;line-height:1.5';
const BUTTON = 'display:inline-block;padding:10px 16px;border-radius:6px;background:#2454a6;color:#ffffff;text-decoration:none';

/** The same as HTML. Styles stand in attributes, since mail programs drop others; there are no pictures, so nothing tells that it was read. */
export const asHtml = ({ subject, before, action, after }: MailText, language: Language, link: string | undefined): string => {
  const paragraph = (text: string): string => `<p style="${PARAGRAPH}">${escaped(text)}</p>`;
  const button = (to: string): string =>
    `<p style="${PARAGRAPH}"><a href="${escaped(to)}" style="${BUTTON}">${escaped(action ?? to)}</a></p>` +
    `<p style="${PARAGRAPH};font-size:13px;color:#5b6470;word-break:break-all">${escaped(to)}</p>`;
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>
<body style="margin:0;padding:24px;background:#ffffff;color:#1c2430;font-family:system-ui,sans-serif;font-size:16px">
<div style="max-width:36em">
<h1 style="margin:0 0 16px;font-size:20px">${escaped(subject)}</h1>
${[...before.map(paragraph), ...(link === undefined ? [] : [button(link)]), ...after.map(paragraph)].join('\n')}
</div></body></html>
`;
};
