import { SendHorizontal, X } from 'lucide-react';
import { useEffect, useRef, type Ref } from 'react';
import { useClient } from 'urql';
import { useDraft } from '../../app/drafts.js';
import { MentionField } from '../../app/mention-field.js';
import { IconButton } from '../../design/button.js';
import { useTexts } from '../../i18n/language.js';
import { allMembersOf, type Opened } from './members.js';
import { messagesTexts } from './messages-texts.js';
import { oneLine } from './names.js';
import { SetTyping } from './operations.js';
import type { Quoted } from './outbox.js';
import styles from './composer.module.css';

interface ComposerProps {
  readonly ref: Ref<HTMLTextAreaElement | null>;
  readonly conversation: Opened;
  readonly name: string;
  readonly owner: string;
  readonly replyTo: Quoted | null;
  readonly onNoReply: () => void;
  readonly onSend: (body: string) => void;
  /** Arrow up in an empty field. */
  readonly onEditLast: () => void;
}

/** How often the others are told that somebody goes on typing, and after what pause that they have stopped, in milliseconds. */
const TELL_MS = 2_500;
const PAUSE_MS = 4_000;

/** Tells the others while the viewer types. */
const useTelling = (conversationId: string): { readonly typed: () => void; readonly stopped: () => void; readonly sent: () => void } => {
  const client = useClient();
  const told = useRef(0);
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** One after another: of two at once either may come last. */
  const telling = useRef<Promise<unknown> | null>(null);
  const tell = (isTyping: boolean): void => {
    told.current = isTyping ? Date.now() : 0;
    const ask = () => client.mutation(SetTyping, { input: { conversationId, isTyping } }).toPromise();
    const asked: Promise<unknown> = telling.current === null ? ask() : telling.current.then(ask);
    telling.current = asked;
    void asked.then(() => {
      if (telling.current === asked) telling.current = null;
    });
  };
  const stopped = (): void => {
    clearTimeout(pause.current);
    if (told.current > 0) tell(false);
  };
  const latest = useRef(stopped);
  useEffect(() => {
    latest.current = stopped;
  });
  useEffect(() => () => latest.current(), []);
  return {
    typed: () => {
      clearTimeout(pause.current);
      pause.current = setTimeout(stopped, PAUSE_MS);
      if (Date.now() - told.current > TELL_MS) tell(true);
    },
    stopped,
    // Whoever has sent something has stopped, as the server knows by itself; but not what comes to it after the message.
    sent: () => {
      if (telling.current !== null) stopped();
      clearTimeout(pause.current);
      told.current = 0;
    },
  };
};

/** With a mouse the field is written in as soon as it is there; on a touch screen that would bring the keyboard up. */
const hasMouse = matchMedia('(pointer: fine)').matches;

export const Composer = ({ ref, conversation, name, owner, replyTo, onNoReply, onSend, onEditLast }: ComposerProps) => {
  const t = useTexts(messagesTexts);
  const { id, isRequest } = conversation;
  const [body, setBody] = useDraft(`conversation ${id}`);
  const { typed, stopped, sent } = useTelling(id);
  const write = (text: string): void => {
    setBody(text);
    if (text.trim() === '') stopped();
    // Whoever has begun a request does not learn who looks at it.
    else if (!isRequest) typed();
  };
  const send = (): void => {
    if (body.trim() === '') return;
    onSend(body);
    setBody('');
    sent();
  };
  const among =
    allMembersOf(conversation)
      ?.map(({ user }) => user)
      .filter((user) => user.id !== owner) ?? null;
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {replyTo && (
        <div className={styles.reply}>
          <span className={styles.quoted} dir="auto">
            <b>{t('replyingTo', { name: replyTo.author.displayName })}</b> {oneLine(replyTo.body)}
          </span>
          <IconButton label={t('cancelReply')} icon={<X size={16} />} onClick={onNoReply} />
        </div>
      )}
      <div className={styles.row}>
        <MentionField
          ref={ref}
          label={t('write', { name })}
          value={body}
          onChange={write}
          onSend={send}
          sendBy="enter"
          opens="above"
          className={styles.field}
          autoFocus={hasMouse}
          {...(among ? { among } : {})}
          onKeyDown={(event) => {
            if (event.key === 'ArrowUp' && body === '') {
              event.preventDefault();
              onEditLast();
            } else if (event.key === 'Escape' && replyTo) onNoReply();
          }}
        />
        <IconButton type="submit" label={t('send')} icon={<SendHorizontal size={20} />} disabled={body.trim() === ''} />
      </div>
      <p className={styles.hint}>{t('sendHint')}</p>
    </form>
  );
};
