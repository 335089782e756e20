import type { Translate } from '../../i18n/language.js';
import type { messagesTexts } from './messages-texts.js';

interface Named {
  readonly kind: string;
  readonly title: string | null;
  readonly joinCode: string | null;
  readonly peer: { readonly displayName: string; readonly isDeleted: boolean } | null;
}

/** What a conversation is called. */
export const nameOf = ({ kind, title, joinCode, peer }: Named, t: Translate<(typeof messagesTexts)['en']>): string => {
  if (title !== null) return title;
  if (kind === 'DIRECT') return (peer?.isDeleted ? t('deletedUser') : peer?.displayName) ?? t('direct');
  if (kind === 'SUPPORT') return t('support');
  return joinCode === null ? t('room') : t('roomOf', { code: joinCode });
};

/** A text of Markdown as one line, for lists and quotes. */
export const oneLine = (body: string): string =>
  body
    .replace(/```\w*\n?|[*_`>#~]+/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
