import { Copy, CornerUpLeft, Ellipsis, Link2, Pencil, SmilePlus, Trash2 } from 'lucide-react';
import { createContext, memo, useContext, useState, type KeyboardEvent } from 'react';
import { useClient, type CombinedError } from 'urql';
import { Link } from 'wouter';
import { wordsOf } from '../../api/failure.js';
import { AskDialog } from '../../app/ask-dialog.js';
import { useCopy } from '../../app/copy.js';
import { paths } from '../../app/paths.js';
import { PersonLink, useNameOf } from '../../app/people/person-link.js';
import { useViewer } from '../../app/viewer.js';
import { Avatar } from '../../design/avatar.js';
import { Button, IconButton } from '../../design/button.js';
import { classNames } from '../../design/class-names.js';
import { Menu, MenuItem, MenuSeparator } from '../../design/menu.js';
import { Prose } from '../../design/prose.js';
import { MentionField } from '../../app/mention-field.js';
import { readFragment } from '../../gql/fragment-masking.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import type { HistoryStore } from './history-store.js';
import type { ShownMessage } from './history.js';
import { membersOf, type Opened } from './members.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf, oneLine } from './names.js';
import { DeleteMessage, EditMessage, MessageRow, React as AddReaction, Unreact } from './operations.js';
import type { Outbox, Outgoing, Quoted } from './outbox.js';
import { useFailed } from './use-failed.js';
import styles from './message-item.module.css';

const QUICK = ['👍', '❤️', '😄'] as const;
const MORE = ['🎉', '🙏', '👀', '😮', '😢', '🤔', '🔥', '✅'] as const;

const Quote = ({
  of,
  conversationId,
}: {
  readonly of: Pick<Quoted, 'id' | 'body' | 'author'> & { readonly deletedAt?: string | null };
  readonly conversationId: string;
}) => {
  const t = useTexts(messagesTexts);
  const text = of.deletedAt ? t('deletedMessage') : oneLine(of.body);
  const name = useNameOf()(of.author);
  return (
    <Link to={`${paths.conversation(conversationId)}?message=${encodeURIComponent(of.id)}`} className={styles.quote}>
      <CornerUpLeft size={16} aria-hidden="true" />
      <span className="visually-hidden">{t('answers')} </span>
      <b dir="auto">{name}</b>{' '}
      <span className={styles.quoted} dir="auto">
        {text}
      </span>
    </Link>
  );
};

/** The conversation, for what is opened of a message. It changes whenever somebody reads on, so that messages do not take it as a property. */
export const OpenedConversation = createContext<Opened | null>(null);

interface MessageItemProps {
  readonly message: ShownMessage;
  readonly rowKey: string;
  /** Whether it has its author and time. */
  readonly isFirst: boolean;
  /** Whether it is pointed at or has the focus, and shows what can be done with it. */
  readonly isActive: boolean;
  readonly isTabbable: boolean;
  /** Whether the page was opened at it. */
  readonly isTarget: boolean;
  readonly isEditing: boolean;
  readonly conversationId: string;
  readonly store: HistoryStore;
  readonly onActive: (rowKey: string) => void;
  readonly onEdit: (messageId: string | null) => void;
  readonly onReply: (message: ShownMessage) => void;
}

/** What is done with a message, shown at once where that can be taken back, and told when it did not work. */
const useActs = ({ message, store }: Pick<MessageItemProps, 'message' | 'store'>) => {
  const client = useClient();
  const failed = useFailed();
  const { id } = message;
  return {
    react: async (emoji: string): Promise<void> => {
      const present = message.reactions.find((reaction) => reaction.emoji === emoji);
      const has = present?.viewerHasReacted === true;
      const count = (present?.count ?? 0) + (has ? -1 : 1);
      const others = message.reactions.map((reaction) =>
        reaction === present ? { ...reaction, count, viewerHasReacted: !has } : reaction,
      );
      const reactions = present ? others.filter((reaction) => reaction.count > 0) : [...others, { emoji, count, viewerHasReacted: true }];
      store.put({ ...message, reactions });
      const { data, error } = has
        ? await client.mutation(Unreact, { input: { messageId: id, emoji } }).toPromise()
        : await client.mutation(AddReaction, { input: { messageId: id, emoji } }).toPromise();
      const payload = data && ('addReaction' in data ? data.addReaction : data.removeReaction);
      store.put(payload ? readFragment(MessageRow, payload.message) : message);
      failed(error);
    },
    edit: async (body: string): Promise<boolean> => {
      const { data, error } = await client.mutation(EditMessage, { input: { messageId: id, body } }).toPromise();
      if (data?.editMessage) store.put(readFragment(MessageRow, data.editMessage.message));
      failed(error);
      return data?.editMessage !== undefined && data.editMessage !== null;
    },
    remove: async (): Promise<CombinedError | undefined> => {
      const { data, error } = await client.mutation(DeleteMessage, { input: { messageId: id } }).toPromise();
      if (data?.deleteMessage?.message) store.put(readFragment(MessageRow, data.deleteMessage.message));
      return error;
    },
  };
};

const Editor = ({
  message,
  onDone,
  onSave,
}: Pick<MessageItemProps, 'message'> & {
  readonly onDone: () => void;
  readonly onSave: (body: string) => Promise<boolean>;
}) => {
  const t = useTexts(messagesTexts);
  const opened = useContext(OpenedConversation);
  const [body, setBody] = useState(message.body);
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    if (body.trim() === '' || busy) return;
    if (body === message.body) {
      onDone();
      return;
    }
    setBusy(true);
    const isSaved = await onSave(body);
    setBusy(false);
    if (isSaved) onDone();
  };
  return (
    <div className={styles.editor}>
      <MentionField
        label={t('editing')}
        value={body}
        onChange={setBody}
        onSend={() => void save()}
        sendBy="enter"
        autoFocus
        {...(opened?.members ? { among: membersOf(opened).map(({ user }) => user) } : {})}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === 'Escape') onDone();
        }}
      />
      <div className={styles.editorFoot}>
        <Button onClick={onDone}>{t('cancel')}</Button>
        <Button busy={busy} onClick={() => void save()}>
          {t('save')}
        </Button>
      </div>
    </div>
  );
};

const DeleteDialog = ({
  message,
  onClose,
  onDelete,
}: Pick<MessageItemProps, 'message'> & { readonly onClose: () => void; readonly onDelete: () => Promise<CombinedError | undefined> }) => {
  const t = useTexts(messagesTexts);
  const conversation = useContext(OpenedConversation);
  return (
    <AskDialog open onClose={onClose} title={t('deleteTitle')} act={t('delete')} onAct={onDelete} quote={oneLine(message.body)}>
      <p>{t('deleteText', { name: conversation ? nameOf(conversation, t) : '' })}</p>
    </AskDialog>
  );
};

export const MessageItem = memo((props: MessageItemProps) => {
  const { message, rowKey, isFirst, isActive, isTabbable, isTarget, isEditing, conversationId, onActive, onEdit, onReply } = props;
  const t = useTexts(messagesTexts);
  const { clock, exact } = useFormats();
  const [isDeleting, setDeleting] = useState(false);
  const { react, edit, remove } = useActs(props);
  const { id, author, createdAt, deletedAt, editedAt, bodyHtml, replyTo, reactions, viewerCanEdit, viewerCanDelete } = message;
  const isDeleted = deletedAt !== null;
  const time = new Date(createdAt);
  const copy = useCopy();
  const authorName = useNameOf()(author);
  return (
    <article
      className={classNames(styles.message, isFirst && styles.first)}
      data-row={rowKey}
      data-target={isTarget || undefined}
      tabIndex={isTabbable ? 0 : -1}
      aria-label={`${authorName}, ${exact(time)}`}
      onPointerEnter={() => onActive(rowKey)}
      onFocus={() => onActive(rowKey)}
    >
      <div className={styles.gutter}>
        {isFirst ? (
          <Avatar name={author.displayName} of={author.username} size={32} />
        ) : (
          <time className={styles.quietTime} dateTime={createdAt} title={exact(time)}>
            {clock(time)}
          </time>
        )}
      </div>
      <div className={styles.content}>
        {isFirst && (
          <p className={styles.head}>
            <PersonLink person={author} className={styles.author} dir="auto">
              {authorName}
            </PersonLink>
            <time dateTime={createdAt} title={exact(time)}>
              {clock(time)}
            </time>
          </p>
        )}
        {replyTo && !isDeleted && <Quote of={replyTo} conversationId={conversationId} />}
        {isEditing ? (
          <Editor message={message} onDone={() => onEdit(null)} onSave={edit} />
        ) : isDeleted ? (
          <p className={styles.deleted}>{t('deletedMessage')}</p>
        ) : (
          <div className={styles.body}>
            <Prose html={bodyHtml} kind="message" />
            {editedAt !== null && (
              <span className={styles.edited} title={exact(new Date(editedAt))}>
                ({t('edited')})
              </span>
            )}
          </div>
        )}
        {reactions.length > 0 && !isDeleted && (
          <div className={styles.reactions}>
            {reactions.map(({ emoji, count, viewerHasReacted }) => (
              <button
                key={emoji}
                type="button"
                className={styles.reaction}
                aria-pressed={viewerHasReacted}
                aria-label={t('reaction', { emoji, count })}
                onClick={() => void react(emoji)}
              >
                <span aria-hidden="true">{emoji}</span> <span aria-hidden="true">{count}</span>
              </button>
            ))}
          </div>
        )}
      </div>
      {isActive && !isDeleted && !isEditing && (
        <div className={styles.acts}>
          {QUICK.map((emoji) => (
            <IconButton
              key={emoji}
              label={t('reactWith', { emoji })}
              icon={<span aria-hidden="true">{emoji}</span>}
              onClick={() => void react(emoji)}
            />
          ))}
          <Menu label={t('react')} icon={<SmilePlus size={16} />}>
            {MORE.map((emoji) => (
              <MenuItem key={emoji} onSelect={() => void react(emoji)}>
                {emoji}
              </MenuItem>
            ))}
          </Menu>
          <IconButton label={t('reply')} icon={<CornerUpLeft size={16} />} onClick={() => onReply(message)} />
          <Menu label={t('actions')} icon={<Ellipsis size={16} />}>
            <MenuItem icon={<Copy size={16} />} onSelect={() => copy(message.body, t('textCopied'))}>
              {t('copyText')}
            </MenuItem>
            <MenuItem
              icon={<Link2 size={16} />}
              onSelect={() =>
                copy(new URL(`${paths.conversation(conversationId)}?message=${encodeURIComponent(id)}`, location.href).href, t('copied'))
              }
            >
              {t('copyLink')}
            </MenuItem>
            {viewerCanEdit && (
              <MenuItem icon={<Pencil size={16} />} onSelect={() => onEdit(id)}>
                {t('edit')}
              </MenuItem>
            )}
            {viewerCanDelete && <MenuSeparator />}
            {viewerCanDelete && (
              <MenuItem look="danger" icon={<Trash2 size={16} />} onSelect={() => setDeleting(true)}>
                {t('delete')}
              </MenuItem>
            )}
          </Menu>
        </div>
      )}
      {isDeleting && <DeleteDialog message={message} onClose={() => setDeleting(false)} onDelete={remove} />}
    </article>
  );
});

/** A message that is on its way, or could not be sent. */
export const OutgoingItem = ({
  item,
  isFirst,
  outbox,
}: {
  readonly item: Outgoing;
  readonly isFirst: boolean;
  readonly outbox: Outbox;
}) => {
  const t = useTexts(messagesTexts);
  const words = useTexts(failureTexts);
  const { clock } = useFormats();
  const viewer = useViewer();
  const { clientId, body, replyTo, at, state, failure } = item;
  return (
    <article className={classNames(styles.message, styles.outgoing, isFirst && styles.first)} data-state={state}>
      <div className={styles.gutter}>
        {isFirst && viewer && <Avatar name={viewer.user.displayName} of={viewer.user.username} size={32} />}
      </div>
      <div className={styles.content}>
        {isFirst && (
          <p className={styles.head}>
            <span className={styles.author} dir="auto">
              {viewer?.user.displayName}
            </span>
            <time dateTime={at}>{clock(new Date(at))}</time>
          </p>
        )}
        {replyTo && (
          <p className={styles.quote}>
            <b dir="auto">{replyTo.author.displayName}</b>
            <span className={styles.quoted} dir="auto">
              {oneLine(replyTo.body)}
            </span>
          </p>
        )}
        <p className={styles.plain} dir="auto">
          {body}
        </p>
        {state === 'waiting' && <p className={styles.state}>{t('waiting')}</p>}
        {state === 'failed' && (
          <div className={styles.failed} role="alert">
            <span>
              {t('failed')} {failure && wordsOf(failure, words)} {failure && <code>{failure.code}</code>}
            </span>
            <Button onClick={() => outbox.retry(clientId)}>{t('retry')}</Button>
            <Button look="plain" onClick={() => outbox.discard(clientId)}>
              {t('discard')}
            </Button>
          </div>
        )}
        {state === 'sending' && <span className="visually-hidden">{t('sending')}</span>}
      </div>
    </article>
  );
};
