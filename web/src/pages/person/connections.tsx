import { useMutation, useQuery } from 'urql';
import { failureOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { ActionList, ActionRow } from '../../design/action-list.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { RelativeTime } from '../../design/relative-time.js';
import { useTexts } from '../../i18n/language.js';
import { administrationTexts } from './administration-texts.js';
import { DisconnectPerson, PersonConnections } from './operations.js';

/** What somebody has open at this moment, to be ended a session at a time. It is asked for when it is opened: it tells where somebody is. */
export const Connections = ({ userId }: { readonly userId: string }) => {
  const t = useTexts(administrationTexts);
  const answer = useQuery({ query: PersonConnections, variables: { userId }, requestPolicy: 'network-only' });
  const [ended, end] = useMutation(DisconnectPerson);
  const failure = failureOf(ended.error);
  const endOne = async (sessionId: string): Promise<void> => {
    if (!(await end({ userId, sessionId })).error) answer[1]({ requestPolicy: 'network-only' });
  };
  return (
    <Answer of={answer}>
      {({ connections }) => (
        <>
          {failure && <ErrorNotice failure={failure} />}
          {connections?.length === 0 && <p>{t('noConnections')}</p>}
          <ActionList>
            {connections?.map(({ key, device: named, ip, since, subscriptions, sessionId }) => {
              const device = named ?? t('unknownDevice');
              return (
                <ActionRow
                  key={key}
                  name={device}
                  detail={
                    <>
                      {ip !== null && <bdi>{ip}</bdi>} <RelativeTime at={since} /> · {t('subscriptions', { count: subscriptions })}
                    </>
                  }
                  action={
                    sessionId !== null && (
                      <Button look="plain" aria-label={t('endSession', { device })} onClick={() => void endOne(sessionId)}>
                        {t('end')}
                      </Button>
                    )
                  }
                />
              );
            })}
          </ActionList>
        </>
      )}
    </Answer>
  );
};
