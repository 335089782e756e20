import { Copy, LogOut, Pencil, UserMinus, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { useMutation, useQuery, type CombinedError } from 'urql';
import { useLocation } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf } from '../../api/failure.js';
import { AskDialog } from '../../app/ask-dialog.js';
import { useCopy } from '../../app/copy.js';
import { paths } from '../../app/paths.js';
import { PersonLink } from '../../app/people/person-link.js';
import { Avatar } from '../../design/avatar.js';
import { Button, IconButton } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { TextField } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { membersOf } from './members.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf } from './names.js';
import { AddMembers, LeaveConversation, OpenConversation, RemoveMember, RenameConversation } from './operations.js';
import { PersonPicker, type Person } from './person-picker.js';
import styles from './members-panel.module.css';

/** Who is in a conversation, and what may be done about it. */
export const MembersPanel = ({ id }: { readonly id: string }) => {
  const t = useTexts(messagesTexts);
  const toast = useToast();
  const copy = useCopy();
  const owner = useOwner();
  const [, navigate] = useLocation();
  const [{ data }, again] = useQuery({ query: OpenConversation, variables: { id }, requestPolicy: 'cache-first' });
  const [asked, setAsked] = useState<'add' | 'rename' | 'leave' | null>(null);
  const [people, setPeople] = useState<readonly Person[]>([]);
  const [title, setTitle] = useState('');
  const [error, setError] = useState<CombinedError | undefined>(undefined);
  const [adding, add] = useMutation(AddMembers);
  const [, remove] = useMutation(RemoveMember);
  const [renaming, rename] = useMutation(RenameConversation);
  const [, leave] = useMutation(LeaveConversation);
  const conversation = data?.conversation;
  if (!conversation) return null;
  const { kind, viewerCanEdit, joinCode } = conversation;
  const members = membersOf(conversation);
  const name = nameOf(conversation, t);
  const failure = failureOf(error);
  const close = (): void => {
    setAsked(null);
    setPeople([]);
    setError(undefined);
  };
  /** Ends a question, unless what was asked for did not work. */
  const done = ({ error: wrong }: { readonly error?: CombinedError | undefined }): boolean => {
    setError(wrong);
    if (wrong) return false;
    close();
    again({ requestPolicy: 'network-only' });
    return true;
  };
  return (
    <div className={styles.panel}>
      <h2 className={styles.title}>{t('members')}</h2>
      {failure && asked === null && <ErrorNotice failure={failure} />}
      <ul className={styles.members}>
        {members.map(({ id: memberId, role, user }) => (
          <li key={memberId} className={styles.member}>
            <PersonLink person={user} className={styles.person}>
              <Avatar name={user.displayName} of={user.username} size={24} presence={user.presence.status} />
              <span className={styles.name} dir="auto">
                {user.displayName}
              </span>
              {role === 'OWNER' && <span className={styles.role}>{t('owner')}</span>}
            </PersonLink>
            {viewerCanEdit && user.id !== owner && (
              <IconButton
                label={t('remove', { name: user.displayName })}
                icon={<UserMinus size={16} />}
                onClick={() =>
                  void remove({ input: { conversationId: id, userId: user.id } }).then((result) => {
                    if (done(result))
                      toast(t('removed', { name: user.displayName }), {
                        label: t('addMembers'),
                        onAct: () => void add({ input: { conversationId: id, memberIds: [user.id] } }).then(done),
                      });
                  })
                }
              />
            )}
          </li>
        ))}
      </ul>
      <div className={styles.acts}>
        {(kind === 'GROUP' || (kind === 'ROOM' && viewerCanEdit)) && (
          <Button onClick={() => setAsked('add')}>
            <UserPlus size={16} aria-hidden="true" />
            {t('addMembers')}
          </Button>
        )}
        {viewerCanEdit && (
          <Button
            onClick={() => {
              setTitle(conversation.title ?? '');
              setAsked('rename');
            }}
          >
            <Pencil size={16} aria-hidden="true" />
            {t('rename')}
          </Button>
        )}
        {joinCode !== null && (
          <Button onClick={() => copy(new URL(paths.join(joinCode), location.href).href, t('codeCopied'))}>
            <Copy size={16} aria-hidden="true" />
            {t('copyCode')}
          </Button>
        )}
        {kind !== 'DIRECT' && (
          <Button look="danger" onClick={() => setAsked('leave')}>
            <LogOut size={16} aria-hidden="true" />
            {t('leave')}
          </Button>
        )}
      </div>
      {joinCode !== null && (
        <p className={styles.code}>
          {t('code')}: <code>{joinCode}</code>
        </p>
      )}
      <Dialog
        open={asked === 'add'}
        onClose={close}
        title={t('addMembers')}
        actions={
          <Button
            look="primary"
            busy={adding.fetching}
            disabled={people.length === 0}
            onClick={() => void add({ input: { conversationId: id, memberIds: people.map((person) => person.id) } }).then(done)}
          >
            {t('add')}
          </Button>
        }
      >
        {failure && <ErrorNotice failure={failure} />}
        <PersonPicker chosen={people} onChoose={setPeople} without={members.map(({ user }) => user.id)} />
      </Dialog>
      <Dialog
        open={asked === 'rename'}
        onClose={close}
        title={t('rename')}
        actions={
          <Button
            look="primary"
            busy={renaming.fetching}
            disabled={kind === 'GROUP' && title.trim() === ''}
            onClick={() => void rename({ input: { conversationId: id, title: title.trim() === '' ? null : title.trim() } }).then(done)}
          >
            {t('save')}
          </Button>
        }
      >
        {failure && <ErrorNotice failure={failure} />}
        <TextField label={t('name')} value={title} maxLength={100} onChange={(event) => setTitle(event.currentTarget.value)} />
      </Dialog>
      <AskDialog
        open={asked === 'leave'}
        onClose={close}
        title={t('leaveTitle', { name })}
        act={t('leave')}
        onAct={async () => (await leave({ input: { conversationId: id } })).error}
        onDone={() => navigate(paths.messages)}
      >
        <p>{t('leaveText')}</p>
      </AskDialog>
    </div>
  );
};
