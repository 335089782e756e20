import { ScrollText, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { alertTexts } from '../../app/alert-texts.js';
import { Answer } from '../../app/answer.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { SignedIn } from '../../app/signed-in.js';
import { useViewer } from '../../app/viewer.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { AlertItemFragment } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { alertsTexts } from './alerts-texts.js';
import { AlertItem, ReadAlerts } from './operations.js';
import styles from './alerts-page.module.css';

/** How many alerts the server lists at once. */
const LISTED = 50;

const Subject = ({ subject }: Pick<AlertItemFragment, 'subject'>) =>
  subject?.__typename === 'User' ? (
    <Link to={paths.person(subject.username)}>
      <bdi>{subject.displayName}</bdi>
    </Link>
  ) : (
    subject?.__typename
  );

const Item = ({ alert }: { readonly alert: FragmentType<typeof AlertItem> }) => {
  const t = useTexts(alertTexts);
  const { at, kind, subject, detail } = readFragment(AlertItem, alert);
  return (
    <li className={styles.alert}>
      <div className={styles.head}>
        <span className={styles.what}>{t(kind)}</span>
        <span className={styles.time}>
          <RelativeTime at={at} />
        </span>
      </div>
      <div className={styles.facts}>
        <Subject subject={subject} />
        {detail !== '{}' && <bdi className={styles.detail}>{detail}</bdi>}
      </div>
    </li>
  );
};

/** The latest alerts before one of them, the latest first, and behind them the next. They are told by the alert that they begin at, so one that comes moves no other out of sight. */
const Alerts = ({ before }: { readonly before: string | null }) => {
  const t = useTexts(alertsTexts);
  const [isMore, setMore] = useState(false);
  const answer = useQuery({ query: ReadAlerts, variables: { before }, requestPolicy: 'cache-and-network' });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={before === null ? 8 : 3} />}>
      {({ securityAlerts }) => {
        const alerts = securityAlerts ?? [];
        const [earliest] = alerts;
        if (earliest === undefined)
          return before === null ? (
            <EmptyState icon={<ShieldCheck size={20} />} title={t('emptyTitle')}>
              {t('emptyText')}
            </EmptyState>
          ) : null;
        return (
          <div>
            <ul className={styles.list}>
              {alerts.toReversed().map((alert) => (
                <Item key={alert.cursor} alert={alert} />
              ))}
            </ul>
            {alerts.length === LISTED &&
              (isMore ? (
                <Alerts before={earliest.cursor} />
              ) : (
                <div className={styles.more}>
                  <Button onClick={() => setMore(true)}>{t('more')}</Button>
                </div>
              ))}
          </div>
        );
      }}
    </Answer>
  );
};

const AlertsPage = () => {
  const t = useTexts(alertsTexts);
  const viewer = useViewer();
  return (
    <SignedIn title={t('title')} about={t('visitors')}>
      <Page
        title={t('title')}
        actions={
          viewer?.user.role === 'ADMIN' && (
            <Link to={paths.audit} className={buttonClass()}>
              <ScrollText size={16} aria-hidden="true" />
              {t('audit')}
            </Link>
          )
        }
      >
        <p className={styles.about}>{t('about')}</p>
        <Alerts before={null} />
      </Page>
    </SignedIn>
  );
};

export default AlertsPage;
