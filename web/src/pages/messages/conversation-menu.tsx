import { Archive, ArchiveRestore, Bell, BellOff, Check, Ellipsis, Mail, MailOpen, Pin, PinOff } from 'lucide-react';
import { useState } from 'react';
import { useClient, type AnyVariables, type DocumentInput } from 'urql';
import { Menu, MenuGroup, MenuItem, MenuSeparator } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf } from './names.js';
import {
  AcceptRequest,
  ArchiveConversation,
  ConversationActs,
  MarkUnread,
  MuteConversation,
  PinConversation,
  ReadUpTo,
  UnarchiveConversation,
  UnmuteConversation,
  UnpinConversation,
} from './operations.js';
import { DeclineDialog } from './request-bar.js';
import { useFailed } from './use-failed.js';

interface ConversationMenuProps {
  readonly conversation: FragmentType<typeof ConversationActs>;
  readonly className?: string | undefined;
  readonly tabIndex?: 0 | -1;
  /** The request was declined: it is in no list any more. */
  readonly onDeclined?: () => void;
}

const HOUR_MS = 3_600_000;
const HOURS = [1, 8] as const;
const DAYS = [1, 7] as const;

const timeIn = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** How the viewer keeps a conversation: read, pinned, muted, archived; of a request, whether they want it. */
export const ConversationMenu = ({ conversation, className, tabIndex = 0, onDeclined }: ConversationMenuProps) => {
  const t = useTexts(messagesTexts);
  const { exact } = useFormats();
  const client = useClient();
  const toast = useToast();
  const failed = useFailed();
  const [declines, setDeclines] = useState(false);
  const of = readFragment(ConversationActs, conversation);
  const { id, unreadCount, isMarkedUnread, isArchived, isMuted, mutedUntil, isPinned, isRequest, lastMessage, lastReadCursor } = of;
  const name = nameOf(of, t);
  /** @returns whether it was done */
  const act = async <Data, Variables extends AnyVariables>(
    mutation: DocumentInput<Data, Variables>,
    variables: Variables,
  ): Promise<boolean> => !failed((await client.mutation(mutation, variables).toPromise()).error);
  const input = { conversationId: id };
  const archive = async (): Promise<void> => {
    if (await act(ArchiveConversation, { input }))
      toast(t(isMuted ? 'archivedMuted' : 'archivedNow', { name }), {
        label: t('undo'),
        onAct: () => void act(UnarchiveConversation, { input }),
      });
  };
  const mute = (forMs: number | null): void => {
    void act(MuteConversation, { input: { ...input, until: forMs === null ? null : timeIn(forMs) } });
  };
  const cursor = lastMessage?.cursor ?? lastReadCursor;
  const isUnread = unreadCount > 0 || isMarkedUnread;
  return (
    <>
      <Menu label={t('menuOf', { name })} icon={<Ellipsis size={20} />} className={className} tabIndex={tabIndex}>
        {isRequest ? (
          <>
            <MenuItem icon={<Check size={16} />} onSelect={() => void act(AcceptRequest, { input })}>
              {t('accept')}
            </MenuItem>
            <MenuItem look="danger" onSelect={() => setDeclines(true)}>
              {t('decline')}
            </MenuItem>
          </>
        ) : (
          <>
            {isUnread && cursor !== null && (
              <MenuItem icon={<MailOpen size={16} />} onSelect={() => void act(ReadUpTo, { input: { ...input, cursor } })}>
                {t('markRead')}
              </MenuItem>
            )}
            {!isUnread && (
              <MenuItem icon={<Mail size={16} />} onSelect={() => void act(MarkUnread, { input })}>
                {t('markUnread')}
              </MenuItem>
            )}
            <MenuItem
              icon={isPinned ? <PinOff size={16} /> : <Pin size={16} />}
              onSelect={() => void act(isPinned ? UnpinConversation : PinConversation, { input })}
            >
              {t(isPinned ? 'unpin' : 'pin')}
            </MenuItem>
            <MenuItem
              icon={isArchived ? <ArchiveRestore size={16} /> : <Archive size={16} />}
              onSelect={() => void (isArchived ? act(UnarchiveConversation, { input }) : archive())}
            >
              {t(isArchived ? 'unarchive' : 'archive')}
            </MenuItem>
            <MenuSeparator />
            {isMuted ? (
              <MenuItem icon={<Bell size={16} />} onSelect={() => void act(UnmuteConversation, { input })}>
                {mutedUntil === null ? t('unmute') : t('unmuteUntil', { when: exact(new Date(mutedUntil)) })}
              </MenuItem>
            ) : (
              <MenuGroup label={t('mute')}>
                {HOURS.map((count) => (
                  <MenuItem key={count} icon={<BellOff size={16} />} onSelect={() => mute(count * HOUR_MS)}>
                    {t('muteHours', { count })}
                  </MenuItem>
                ))}
                {DAYS.map((count) => (
                  <MenuItem key={count} icon={<BellOff size={16} />} onSelect={() => mute(count * 24 * HOUR_MS)}>
                    {t('muteDays', { count })}
                  </MenuItem>
                ))}
                <MenuItem icon={<BellOff size={16} />} onSelect={() => mute(null)}>
                  {t('muteForGood')}
                </MenuItem>
              </MenuGroup>
            )}
          </>
        )}
      </Menu>
      {isRequest && <DeclineDialog id={id} name={name} open={declines} onClose={() => setDeclines(false)} onDeclined={onDeclined} />}
    </>
  );
};
