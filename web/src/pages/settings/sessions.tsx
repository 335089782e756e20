import { useMutation, useQuery } from 'urql';
import { failureOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { ActionList, ActionRow } from '../../design/action-list.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { RelativeTime } from '../../design/relative-time.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { EndOtherSessions, EndSession, SessionItem, SessionsOfViewer } from './operations.js';
import { settingsTexts } from './settings-texts.js';
import styles from './settings-page.module.css';

interface RowProps {
  readonly session: FragmentType<typeof SessionItem>;
  readonly onEnd: (id: string) => void;
}

const Row = ({ session, onEnd }: RowProps) => {
  const t = useTexts(settingsTexts);
  const { id, device: named, ip, lastUsedAt, current } = readFragment(SessionItem, session);
  const device = named ?? t('unknownDevice');
  return (
    <ActionRow
      name={device}
      detail={
        <>
          {ip !== null && <bdi>{ip}</bdi>} {current ? t('thisSession') : <RelativeTime at={lastUsedAt} />}
        </>
      }
      action={
        !current && (
          <Button look="plain" aria-label={t('endSession', { device })} onClick={() => onEnd(id)}>
            {t('end')}
          </Button>
        )
      }
    />
  );
};

/** Where the viewer is signed in, to be ended one by one or all but this one. */
export const Sessions = () => {
  const t = useTexts(settingsTexts);
  const answer = useQuery({ query: SessionsOfViewer, requestPolicy: 'cache-and-network' });
  const [ended, endOne] = useMutation(EndSession);
  const [endedAll, endOthers] = useMutation(EndOtherSessions);
  const failure = failureOf(ended.error ?? endedAll.error);
  return (
    <Answer of={answer}>
      {({ me }) =>
        me && (
          <>
            {failure && <ErrorNotice failure={failure} />}
            <ActionList>
              {me.sessions.map((session) => (
                <Row key={session.id} session={session} onEnd={(sessionId) => void endOne({ sessionId })} />
              ))}
            </ActionList>
            {me.sessions.some(({ current }) => !current) && (
              <Button className={styles.act} disabled={endedAll.fetching} onClick={() => void endOthers({})}>
                {t('endOthers')}
              </Button>
            )}
          </>
        )
      }
    </Answer>
  );
};
