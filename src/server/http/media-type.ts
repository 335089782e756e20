/** A parameter of a media type (RFC 9110, 5.6.6). Its value is a token or a quoted string. */
const PARAMETER = /;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

/** The labels of UTF-8, the only encoding in which JSON is exchanged (RFC 8259, 8.1). */
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8']);

/** Whether a Content-Type names JSON, in whatever case and with whatever parameters. */
export const isJson = (contentType = ''): boolean => /^\s*application\/json\s*(;|$)/i.test(contentType);

/** Whether a Content-Type names UTF-8 or no encoding at all. */
export const isUtf8 = (contentType = ''): boolean =>
  !contentType.includes(';') ||
  [...contentType.matchAll(PARAMETER)].every(
    ([, name = '', quoted, token = '']) => name.toLowerCase() !== 'charset' || UTF_8.has((quoted ?? token).toLowerCase()),
  );
