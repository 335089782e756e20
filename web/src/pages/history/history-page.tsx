import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link, useParams } from 'wouter';
import { Answer } from '../../app/answer.js';
import { AskDialog } from '../../app/ask-dialog.js';
import { listMemory } from '../../app/list-memory.js';
import { Page, PageBody } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { PersonLink, useNameOf } from '../../app/people/person-link.js';
import { Button, buttonClass } from '../../design/button.js';
import { FlowList } from '../../design/flow-list.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useToast } from '../../design/toast.js';
import { readFragment } from '../../gql/fragment-masking.js';
import type { ReadHistoryQuery, RevisionRowFragment } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { Difference, FirstText } from './difference.js';
import { historyTexts } from './history-texts.js';
import { ReadHistory, RestoreRevision, RevisionRow } from './operations.js';
import styles from './history-page.module.css';

type Entry = NonNullable<ReadHistoryQuery['entry']>;

/** Asks before an entry gets the text of an earlier version. */
const RestoreDialog = ({
  entry,
  revision,
  onClose,
}: {
  readonly entry: Entry;
  readonly revision: RevisionRowFragment;
  readonly onClose: () => void;
}) => {
  const t = useTexts(historyTexts);
  const toast = useToast();
  const [, restore] = useMutation(RestoreRevision);
  const [clientId] = useState(() => crypto.randomUUID());
  const { id, version } = revision;
  return (
    <AskDialog
      open
      onClose={onClose}
      title={t('restoreTitle', { version })}
      act={t('restore')}
      onAct={async () => (await restore({ id, expectedVersion: entry.version, clientId })).error}
      onDone={() => toast(t('restored', { version }))}
    >
      <p>{t('restoreText')}</p>
    </AskDialog>
  );
};

interface RowProps {
  readonly entry: Entry;
  readonly revision: RevisionRowFragment;
  /** The id of the version before; null for the first, undefined where it is not read yet. */
  readonly before: string | null | undefined;
  readonly onRestore: (revision: RevisionRowFragment) => void;
}

const Row = ({ entry, revision, before, onRestore }: RowProps) => {
  const t = useTexts(historyTexts);
  const [isOpen, setOpen] = useState(false);
  const { id, version, title, tags, isPublic, createdAt, editor } = revision;
  const name = useNameOf()(editor);
  const isPresent = version === entry.version;
  return (
    <div className={styles.row}>
      <div className={styles.head}>
        <div className={styles.about}>
          <p className={styles.name} dir="auto">
            {title}
          </p>
          <p className={styles.facts}>
            <span>{t('version', { version })}</span>
            {isPresent && <span>{t('isPresent')}</span>}
            {!isPublic && <span>{t('wasPrivate')}</span>}
            <PersonLink person={editor}>
              <bdi>{name}</bdi>
            </PersonLink>
            <RelativeTime at={createdAt} />
            {tags.length > 0 && <bdi>{tags.join(', ')}</bdi>}
          </p>
        </div>
        <div className={styles.acts}>
          <Button look="plain" aria-expanded={isOpen} aria-label={t('changesOf', { version })} onClick={() => setOpen(!isOpen)}>
            {t('changes')}
          </Button>
          {entry.viewerCanEdit && !isPresent && (
            <Button aria-label={t('restoreOf', { version })} onClick={() => onRestore(revision)}>
              {t('restore')}
            </Button>
          )}
        </div>
      </div>
      {isOpen && before !== undefined && (before === null ? <FirstText id={id} /> : <Difference from={before} to={id} />)}
    </div>
  );
};

const History = ({ slug }: { readonly slug: string }) => {
  const t = useTexts(historyTexts);
  const { after, moreOf } = usePages();
  const [restoring, setRestoring] = useState<RevisionRowFragment | null>(null);
  // Whoever comes here from the editor has made a version that the list does not have yet.
  const answer = useQuery({ query: ReadHistory, variables: { slug, after }, requestPolicy: 'cache-and-network' });
  const loading = (
    <PageBody>
      <Skeleton kind="rows" lines={8} />
    </PageBody>
  );
  return (
    <Answer of={answer} loading={loading}>
      {({ entry }, isFetching) => {
        if (!entry) return <NotFoundPage />;
        const { nodes, pageInfo } = entry.revisions;
        return (
          <Page
            title={t('title', { title: entry.title })}
            actions={
              <Link to={paths.entry(slug)} className={buttonClass()}>
                {t('back')}
              </Link>
            }
          >
            <FlowList
              items={nodes}
              keyOf={({ id }) => id}
              label={t('list')}
              memory={listMemory(`history ${entry.id}`)}
              onEnd={moreOf(pageInfo, isFetching).onMore}
            >
              {(node, index) => (
                <Row
                  entry={entry}
                  revision={readFragment(RevisionRow, node)}
                  before={nodes[index + 1]?.id ?? (pageInfo.hasNextPage ? undefined : null)}
                  onRestore={setRestoring}
                />
              )}
            </FlowList>
            {isFetching && after !== null && <Skeleton kind="rows" lines={3} />}
            {restoring && <RestoreDialog entry={entry} revision={restoring} onClose={() => setRestoring(null)} />}
          </Page>
        );
      }}
    </Answer>
  );
};

/** What an entry said in each of its versions, what each has changed, and the way back to one. */
const HistoryPage = () => {
  const { slug } = useParams<{ slug: string }>();
  return <History key={slug} slug={slug} />;
};

export default HistoryPage;
