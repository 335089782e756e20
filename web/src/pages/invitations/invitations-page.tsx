import { UserRoundPlus } from 'lucide-react';
import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link } from 'wouter';
import { Answer } from '../../app/answer.js';
import { AskDialog } from '../../app/ask-dialog.js';
import { listMemory } from '../../app/list-memory.js';
import { Page } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { SignedIn } from '../../app/signed-in.js';
import { Button } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { FlowList } from '../../design/flow-list.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useToast } from '../../design/toast.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { InvitationRowFragment } from '../../gql/graphql.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { invitationsTexts } from './invitations-texts.js';
import { NewInvitation } from './new-invitation.js';
import { InvitationRow, Invitations, RevokeInvitation } from './operations.js';
import styles from './invitations-page.module.css';

/** Asks before it takes an invitation back. */
const RevokeDialog = ({ id, onClose }: { readonly id: string; readonly onClose: () => void }) => {
  const t = useTexts(invitationsTexts);
  const toast = useToast();
  const [, revoke] = useMutation(RevokeInvitation);
  return (
    <AskDialog
      open
      onClose={onClose}
      title={t('revokeTitle')}
      keep={t('keep')}
      act={t('revoke')}
      onAct={async () => (await revoke({ id })).error}
      onDone={() => toast(t('revoked'))}
    >
      <p>{t('revokeText')}</p>
    </AskDialog>
  );
};

/** Until when it can be used, or why it cannot be any more. */
const State = ({ revokedAt, expiresAt, isOpen, useCount, maxUses }: InvitationRowFragment) => {
  const t = useTexts(invitationsTexts);
  const { exact } = useFormats();
  if (isOpen)
    return (
      <span>
        {t.rich('ends', {
          time: (
            <time key="time" dateTime={expiresAt}>
              {exact(new Date(expiresAt))}
            </time>
          ),
        })}
      </span>
    );
  if (revokedAt !== null) return <span>{t.rich('revokedAt', { time: <RelativeTime key="time" at={revokedAt} /> })}</span>;
  if (useCount >= maxUses) return <span>{t('usedUp')}</span>;
  return <span>{t.rich('ended', { time: <RelativeTime key="time" at={expiresAt} /> })}</span>;
};

interface RowProps {
  readonly of: FragmentType<typeof InvitationRow>;
  readonly onRevoke: (id: string) => void;
}

const Row = ({ of, onRevoke }: RowProps) => {
  const t = useTexts(invitationsTexts);
  const { number } = useFormats();
  const invitation = readFragment(InvitationRow, of);
  const { id, note, useCount, maxUses, isOpen, createdAt, createdBy } = invitation;
  const name = note ?? t('untitled');
  return (
    <div className={styles.row}>
      <div className={styles.about}>
        <p className={styles.name} dir="auto">
          {name}
        </p>
        <p className={styles.facts}>
          <span>{t('used', { used: number(useCount), most: number(maxUses) })}</span>
          <State {...invitation} />
          {createdBy && (
            <span>
              {t.rich('by', {
                name: (
                  <Link key="name" to={paths.person(createdBy.username)}>
                    <bdi>{createdBy.displayName}</bdi>
                  </Link>
                ),
              })}
            </span>
          )}
          <RelativeTime at={createdAt} />
        </p>
      </div>
      {isOpen && (
        <Button aria-label={t('revokeOf', { name })} onClick={() => onRevoke(id)}>
          {t('revoke')}
        </Button>
      )}
    </div>
  );
};

const InvitationsOfViewer = () => {
  const t = useTexts(invitationsTexts);
  const { after, moreOf } = usePages();
  const [revoking, setRevoking] = useState<string | null>(null);
  const answer = useQuery({ query: Invitations, variables: { after } });
  return (
    <Page title={t('title')}>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
        {({ registration: { mode, viewerCanInvite }, invitations }, isFetching) => (
          <>
            <p className={styles.quiet}>{t(mode)}</p>
            {viewerCanInvite ? <NewInvitation /> : mode !== 'CLOSED' && <p className={styles.quiet}>{t('mayNot')}</p>}
            <h2 className={styles.heading}>{t('list')}</h2>
            {!invitations || invitations.nodes.length === 0 ? (
              <EmptyState icon={<UserRoundPlus size={20} />} title={t('emptyTitle')}>
                {t('empty')}
              </EmptyState>
            ) : (
              <div>
                <FlowList
                  items={invitations.nodes}
                  keyOf={({ id }) => id}
                  label={t('title')}
                  memory={listMemory('invitations')}
                  onEnd={moreOf(invitations.pageInfo, isFetching).onMore}
                >
                  {(invitation) => <Row of={invitation} onRevoke={setRevoking} />}
                </FlowList>
                {isFetching && after !== null && <Skeleton kind="rows" lines={3} />}
              </div>
            )}
          </>
        )}
      </Answer>
      {revoking !== null && <RevokeDialog id={revoking} onClose={() => setRevoking(null)} />}
    </Page>
  );
};

/** The links by which one comes in here: made, looked after and taken back by those who may invite. */
const InvitationsPage = () => {
  const t = useTexts(invitationsTexts);
  return (
    <SignedIn title={t('title')} about={t('visitors')}>
      <InvitationsOfViewer />
    </SignedIn>
  );
};

export default InvitationsPage;
