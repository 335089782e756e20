import { afterEach, describe, expect, it } from 'vitest';
import { sessionHeaders } from '../../src/client/cookie-mode.js';

/** What is used of a page, whose cookies are kept where it came by TLS. */
const pageOf = (isSecure: boolean): { cookie: string } => {
  const kept = new Map<string, string>();
  return {
    get cookie() {
      return [...kept].map((pair) => pair.join('=')).join('; ');
    },
    set cookie(text) {
      const [name = '', value = ''] = text.split(';', 1)[0]?.split('=') ?? [];
      if (text.includes('Secure') && !isSecure) return;
      if (text.includes('Max-Age=0')) kept.delete(name);
      else kept.set(name, value);
    },
  };
};
const be = (document: unknown): void => void Object.assign(globalThis, { document });

describe('where the refresh token travels', () => {
  afterEach(() => Reflect.deleteProperty(globalThis, 'document'));

  it('is a cookie where the browser keeps it, and nothing is left of the try', () => {
    const page = pageOf(true);
    be(page);
    expect(sessionHeaders()).toEqual({ 'x-lyceum-session': 'cookie' });
    expect(page.cookie).toBe('');
  });

  it('is the answer where the page came without TLS, or cookies are forbidden', () => {
    be(pageOf(false));
    expect(sessionHeaders()).toEqual({});
    be({
      get cookie() {
        throw new Error('The document is sandboxed.');
      },
    });
    expect(sessionHeaders()).toEqual({});
  });

  it('is the answer where there is no page', () => {
    expect(sessionHeaders()).toEqual({});
  });
});
