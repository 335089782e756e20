import { useEffect, useMemo, useRef, type MouseEvent } from 'react';
import { classNames } from './class-names.js';
import { partOf } from './parts.js';
import styles from './prose.module.css';

/** The policy that `src/server/http/web-client.ts` allows; browsers without Trusted Types take the text. */
interface TrustedTypes {
  readonly createPolicy: (name: string, rules: { readonly createHTML: (html: string) => string }) => Rules;
}
interface Rules {
  readonly createHTML: (html: string) => unknown;
}
const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
const rules: Rules = { createHTML: (html: string) => html };
const policy = trustedTypes?.createPolicy('lyceum', rules as { createHTML: (html: string) => string }) ?? rules;

interface ProseProps {
  /** Fields whose description says that they are fit to be put into a page: `contentHtml`, `bodyHtml`. Nothing else. */
  readonly html: string;
  /** Long reading has the measure of a book, and by choice its type. */
  readonly kind?: 'reading' | 'message';
}

/** Of both tags of a heading. Nothing else in sanitised HTML looks so: in texts and attributes `<` is escaped. */
const HEADING = /(<\/?h)([1-6])(?=[\s>])/g;

/** The headings of a text stand below the one of the page, in which there is one of the first level: its highest become those of the second. */
const belowTitle = (html: string): string => {
  const levels = Array.from(html.matchAll(HEADING), ([, , level]) => Number(level));
  const shift = 2 - Math.min(...levels);
  return html.replace(HEADING, (_, tag: string, level: string) => `${tag}${Math.min(6, Number(level) + shift)}`);
};

/** HTML that the server has sanitised. It is the only place where HTML gets into the page. */
export const Prose = ({ html, kind = 'reading' }: ProseProps) => {
  const trusted = useMemo(() => policy.createHTML(belowTitle(html)) as string, [html]);
  const text = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What scrolls sideways is reached by the keyboard.
    for (const wide of text.current?.querySelectorAll('pre, table, math[display="block"]') ?? []) wide.setAttribute('tabindex', '0');
    // A box of a task is called by the words beside it.
    for (const box of text.current?.querySelectorAll('input') ?? [])
      box.setAttribute('aria-label', box.parentElement?.textContent.trim() ?? '');
  }, [trusted]);
  const follow = (event: MouseEvent<HTMLDivElement>): void => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    const part = link && partOf(event.currentTarget, link.getAttribute('href') ?? '');
    // The browser would go to the first text of the page that has such a part, as another message with a note.
    if (!part || kind === 'reading') return;
    event.preventDefault();
    part.tabIndex = -1;
    part.focus({ preventScroll: true });
    part.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div
      ref={text}
      className={classNames(styles.prose, styles[kind])}
      dir="auto"
      onClick={follow}
      dangerouslySetInnerHTML={{ __html: trusted }}
    />
  );
};
