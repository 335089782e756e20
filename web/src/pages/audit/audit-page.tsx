import { ScrollText } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { Link, useSearch } from 'wouter';
import { Answer } from '../../app/answer.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { SignedIn } from '../../app/signed-in.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { SelectField } from '../../design/text-field.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { AuditItemFragment, AuditVia } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { auditTexts } from './audit-texts.js';
import { AuditItem, ReadAudit } from './operations.js';
import styles from './audit-page.module.css';

/** The acts that are asked for by their names most often. */
const ACTIONS = ['login', 'setUserRole', 'suspendUser', 'unlockUser', 'deletePost', 'deleteComment', 'deleteEntry', 'deleteMessage'];

const HOW = { SESSION: 'session', API_KEY: 'apiKey', ISSUER: 'issuer' } as const satisfies Record<AuditVia, string>;
const isHow = (value: string): value is AuditVia => Object.hasOwn(HOW, value);

/** By what somebody acted; what else was done by the same session or key is behind it. */
const How = ({ via, viaId }: Pick<AuditItemFragment, 'via' | 'viaId'>) => {
  const t = useTexts(auditTexts);
  return via === null || viaId === null ? null : <Link to={paths.auditBy(viaId)}>{t(HOW[via])}</Link>;
};

const Subject = ({ subject }: Pick<AuditItemFragment, 'subject'>) => {
  if (subject === null) return null;
  if (subject.__typename !== 'User') return subject.__typename;
  return (
    <Link to={paths.person(subject.username)}>
      <bdi>{subject.displayName}</bdi>
    </Link>
  );
};

/** The columns, by the names of their titles. */
const COLUMNS = ['when', 'who', 'what', 'whom', 'how', 'from', 'detail'] as const;

/** What stands in each column; null for nothing. */
const useCells = ({
  at,
  action,
  actor,
  subject,
  via,
  viaId,
  ip,
  userAgent,
  detail,
}: AuditItemFragment): Readonly<Record<(typeof COLUMNS)[number], ReactNode>> => {
  const t = useTexts(auditTexts);
  return {
    when: <RelativeTime at={at} />,
    who: actor ? (
      <Link to={paths.auditOf(actor.id)}>
        <bdi>{actor.displayName}</bdi>
      </Link>
    ) : (
      t('system')
    ),
    what: action,
    whom: subject && <Subject subject={subject} />,
    how: via && <How via={via} viaId={viaId} />,
    from: ip !== null && <bdi title={userAgent ?? undefined}>{ip}</bdi>,
    detail: detail !== '{}' && <bdi>{detail}</bdi>,
  };
};

const Row = ({ event }: { readonly event: FragmentType<typeof AuditItem> }) => {
  const t = useTexts(auditTexts);
  const cells = useCells(readFragment(AuditItem, event));
  return (
    <tr role="row">
      {COLUMNS.map((column) => (
        <td key={column} role="cell" className={styles[column]} data-title={t(column)}>
          {cells[column]}
        </td>
      ))}
    </tr>
  );
};

/** On a narrow screen each row stands by itself, with the titles before what is in it; the roles say that it is a table there, too. */
const Table = ({ events }: { readonly events: readonly (FragmentType<typeof AuditItem> & { readonly id: string })[] }) => {
  const t = useTexts(auditTexts);
  return (
    // Whoever uses no mouse scrolls it by the arrows.
    <div className={styles.scrolled} role="region" aria-label={t('title')} tabIndex={0}>
      <table role="table" className={styles.table}>
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((column) => (
              <th key={column} role="columnheader" scope="col">
                {t(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {events.map((event) => (
            <Row key={event.id} event={event} />
          ))}
        </tbody>
      </table>
    </div>
  );
};

const Audit = () => {
  const t = useTexts(auditTexts);
  const address = new URLSearchParams(useSearch());
  const [actor, viaId] = [address.get('actor'), address.get('by')];
  const [via, setVia] = useState<AuditVia | null>(null);
  const [action, setAction] = useState('');
  const [after, setAfter] = useState<string | null>(null);
  const answer = useQuery({
    query: ReadAudit,
    variables: { actor, viaId, via, action: action === '' ? null : action, after },
    requestPolicy: 'cache-and-network',
  });
  return (
    <Page title={t('title')} width="wide">
      <p className={styles.about}>{t('about')}</p>
      <div className={styles.filter}>
        <SelectField
          label={t('what')}
          value={action}
          onChange={({ target }) => {
            setAfter(null);
            setAction(target.value);
          }}
        >
          <option value="">{t('any')}</option>
          {ACTIONS.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </SelectField>
        <SelectField
          label={t('how')}
          value={via ?? ''}
          onChange={({ target: { value } }) => {
            setAfter(null);
            setVia(isHow(value) ? value : null);
          }}
        >
          <option value="">{t('any')}</option>
          {Object.entries(HOW).map(([each, word]) => (
            <option key={each} value={each}>
              {t(word)}
            </option>
          ))}
        </SelectField>
        {(actor ?? viaId) !== null && (
          <Link to={paths.audit} className={buttonClass()}>
            {t('all')}
          </Link>
        )}
      </div>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
        {({ auditLog }, isFetching) =>
          !auditLog || auditLog.nodes.length === 0 ? (
            <EmptyState icon={<ScrollText size={20} />} title={t('emptyTitle')}>
              {t('emptyText')}
            </EmptyState>
          ) : (
            <>
              <Table events={auditLog.nodes} />
              {auditLog.pageInfo.hasNextPage && (
                <Button busy={isFetching} onClick={() => setAfter(auditLog.pageInfo.endCursor)}>
                  {t('more')}
                </Button>
              )}
            </>
          )
        }
      </Answer>
    </Page>
  );
};

const AuditPage = () => {
  const t = useTexts(auditTexts);
  const search = useSearch();
  return (
    <SignedIn title={t('title')} about={t('visitors')}>
      {/* Another filter begins at its first page. */}
      <Audit key={search} />
    </SignedIn>
  );
};

export default AuditPage;
