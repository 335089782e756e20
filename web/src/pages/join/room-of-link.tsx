import { useEffect, useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, fieldWords, whenAgain } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { Answer } from '../../app/answer.js';
import { Page, PageBody } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Skeleton } from '../../design/skeleton.js';
import { TextField } from '../../design/text-field.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { joinTexts } from './join-texts.js';
import { EnterAsGuest, JoinRoom, RoomOfCode } from './operations.js';
import styles from './join.module.css';

/** What a visitor has asked for who became a guest: every page begins anew then, and this one goes on by itself. */
let asked: { readonly code: string; readonly passcode: string } | null = null;

const Enter = ({ code, hasPasscode }: { readonly code: string; readonly hasPasscode: boolean }) => {
  const t = useTexts(joinTexts);
  const words = useTexts(fieldTexts);
  const owner = useOwner();
  const [location, navigate] = useLocation();
  const [name, setName] = useState('');
  const [passcode, setPasscode] = useState(() => (asked?.code === code ? asked.passcode : ''));
  const [guest, enterAsGuest] = useMutation(EnterAsGuest);
  const [joined, join] = useMutation(JoinRoom);
  const failure = failureOf(guest.error ?? joined.error);
  const isWrongPasscode = failure?.code === 'FORBIDDEN' && hasPasscode;
  const enter = async (withPasscode: string): Promise<void> => {
    const { data } = await join({ input: { code, passcode: withPasscode === '' ? null : withPasscode } });
    if (data?.joinRoom) navigate(paths.conversation(data.joinRoom.conversation.id), { replace: true });
  };
  const begin = async (): Promise<void> => {
    if (owner !== null) {
      await enter(passcode);
      return;
    }
    const { data } = await enterAsGuest({ input: { displayName: name.trim(), deviceToken: tokens.device() } });
    if (!data?.joinAsGuest) return;
    asked = { code, passcode };
    const { credentials, user } = data.joinAsGuest;
    tokens.signIn(user.id, credentials);
  };
  useEffect(() => {
    if (owner === null || asked?.code !== code) return;
    const { passcode: given } = asked;
    asked = null;
    void enter(given);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the guest is there
  }, []);
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void begin();
      }}
    >
      {isWrongPasscode && (
        <p role="alert" className={styles.wrong}>
          {t('wrongPasscode')}
        </p>
      )}
      {failure && !isWrongPasscode && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      {owner === null && (
        <TextField
          label={t('yourName')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldWords(failure, 'displayName', words)}
          autoComplete="nickname"
          autoFocus
          required
        />
      )}
      {hasPasscode && (
        <TextField
          label={t('passcode')}
          value={passcode}
          onChange={(event) => setPasscode(event.currentTarget.value)}
          error={fieldWords(failure, 'passcode', words)}
          autoComplete="off"
        />
      )}
      <Button type="submit" look="primary" busy={guest.fetching || joined.fetching}>
        {t(owner === null ? 'asGuest' : 'join')}
      </Button>
      {owner === null && (
        <p className={styles.text}>
          {t.rich('haveAccount', {
            signIn: (
              <Link key="sign-in" to={paths.signIn(location)}>
                {t('signIn')}
              </Link>
            ),
          })}
        </p>
      )}
    </form>
  );
};

/** The room that a code leads to, and the way into it. */
export const RoomOfLink = ({ code }: { readonly code: string }) => {
  const t = useTexts(joinTexts);
  const owner = useOwner();
  const failures = useTexts(failureTexts);
  const answer = useQuery({ query: RoomOfCode, variables: { code } });
  const none = (text: string) => (
    <EmptyState
      isPage
      title={t('roomTitle', { code })}
      action={
        <Link to={paths.join()} className={buttonClass('primary')}>
          {t('otherCode')}
        </Link>
      }
    >
      {text}
    </EmptyState>
  );
  const loading = (
    <PageBody>
      <Skeleton lines={4} />
    </PageBody>
  );
  const failure = failureOf(answer[0].error);
  if (owner === null && failure?.code === 'RATE_LIMITED')
    return (
      <EmptyState
        isPage
        title={t('roomTitle', { code })}
        action={
          <Link to={paths.guest(paths.join(code))} className={buttonClass('primary')}>
            {t('asGuest')}
          </Link>
        }
      >
        {t('tooManyCodes', { when: whenAgain(failure, failures) })}
      </EmptyState>
    );
  return (
    <Answer of={answer} loading={loading}>
      {({ room }) => {
        if (!room) return none(t('notFound'));
        if (room.archivedAt !== null) return none(t('archived'));
        return (
          <Page title={room.title ?? t('roomTitle', { code })}>
            <p className={styles.text}>{t('members', { count: room.memberCount })}</p>
            <Enter code={code} hasPasscode={room.hasPasscode} />
          </Page>
        );
      }}
    </Answer>
  );
};
