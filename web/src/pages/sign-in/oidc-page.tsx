import { useEffect, useState } from 'react';
import { useMutation, useQuery, type CombinedError } from 'urql';
import { Link, useLocation, useSearch } from 'wouter';
import { failureOf, type Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { findAttempt, forgetAttempt } from '../../app/oidc/attempts.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { textOf } from '../../app/sending.js';
import { useViewer } from '../../app/viewer.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Skeleton } from '../../design/skeleton.js';
import { useToast } from '../../design/toast.js';
import type { LoginWithOidcMutation } from '../../gql/graphql.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { HowToComeIn, LinkIdentity, LoginWithOidc, RegisterWithOidc } from './operations.js';
import { NameFields } from './name-fields.js';
import { askedOf, SecondStep, type Asked } from './second-step.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

type SignUp = NonNullable<NonNullable<LoginWithOidcMutation['loginWithOidc']>['signUp']>;

/** Makes an account of whom another server has shown: of nobody yet, or of the guest that the viewer is. */
const ChooseName = ({ signUp, then }: { readonly signUp: SignUp; readonly then: string | null }) => {
  const t = useTexts(signInTexts);
  const language = useLanguage();
  const toast = useToast();
  const [, navigate] = useLocation();
  const isGuest = useViewer()?.user.role === 'GUEST';
  const begin = useBeginSession(then);
  const [{ data }] = useQuery({ query: HowToComeIn });
  const [, register] = useMutation(RegisterWithOidc);
  const send = async (values: FormData): Promise<CombinedError | undefined> => {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const invitation = textOf(values, 'invitation');
    const input = { token: signUp.token, username: textOf(values, 'username'), locale: language, timeZone, deviceToken: tokens.device() };
    const answer = await register({ input: { ...input, ...(invitation === '' ? {} : { invitation }) } });
    const made = answer.data?.registerWithOidc;
    if (made?.credentials) begin({ user: made.user, credentials: made.credentials });
    else if (made) {
      toast(t('claimed'));
      navigate(then ?? paths.settings, { replace: true });
    }
    return answer.error;
  };
  return (
    <>
      <p className={styles.text}>{t('unknown', { issuer: signUp.issuer.label })}</p>
      {isGuest && <p className={styles.text}>{t('claimText')}</p>}
      <SessionForm
        submit={t('register')}
        onSubmit={send}
        words={({ fields }) => (fields.some(({ path }) => path === 'token') ? t('oidcGone') : null)}
        foot={<Link to={paths.signIn()}>{t('otherAccount')}</Link>}
      >
        {(failure) => (
          <NameFields failure={failure} asksInvitation={data?.registration.mode === 'INVITATION'} suggested={signUp.username ?? ''} />
        )}
      </SessionForm>
    </>
  );
};

/** Where another server sends people back to, who sign in by it or link it to their account. */
const OidcPage = () => {
  const t = useTexts(signInTexts);
  const signInWords = useSignInWords();
  const toast = useToast();
  const [, navigate] = useLocation();
  const search = useSearch();
  const [query] = useState(() => new URLSearchParams(search));
  const state = query.get('state') ?? '';
  const [attempt] = useState(() => findAttempt(state));
  const begin = useBeginSession(attempt?.then ?? null);
  const [, login] = useMutation(LoginWithOidc);
  const [, link] = useMutation(LinkIdentity);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [signUp, setSignUp] = useState<SignUp | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const code = query.get('code');

  useEffect(() => {
    forgetAttempt(state);
    // The code is good once: neither a reload nor the way back finds it.
    window.history.replaceState(window.history.state, '', window.location.pathname);
    if (attempt === null || code === null) return;
    const came = { state, code, iss: query.get('iss'), secret: attempt.secret };
    const finish = async (): Promise<CombinedError | undefined> => {
      if (attempt.purpose === 'LINK') {
        const { data, error } = await link({ input: came });
        if (data?.linkIdentity) {
          toast(t('linked'));
          navigate(paths.settings, { replace: true });
        }
        return error;
      }
      const { data, error } = await login({ input: { ...came, deviceToken: tokens.device() } });
      const { user, credentials, signUp: unknown } = data?.loginWithOidc ?? {};
      if (user && credentials) begin({ user, credentials });
      else setSignUp(unknown ?? null);
      const step = askedOf(error);
      setAsked(step);
      return step === null ? error : undefined;
    };
    void finish().then((error) => setFailure(failureOf(error)));
    // It is done once, with what the address had when the page was opened.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const wordsOf = ({ code: of, reason, fields, ...rest }: Failure): string | null => {
    if (reason === 'NO_ACCOUNT') return t('noAccountThere');
    if (reason === 'IDENTITY_TAKEN') return t('identityTaken');
    if (reason === 'ISSUER_REFUSED' || fields.length > 0) return t('oidcGone');
    return of === 'LOCKED' ? signInWords({ code: of, reason, fields, ...rest }) : null;
  };
  const own = code === null ? t('oidcCancelled') : attempt === null ? t('oidcGone') : failure && wordsOf(failure);
  return (
    <Page title={signUp === null ? t('signIn') : t('register')}>
      {signUp !== null ? (
        <ChooseName signUp={signUp} then={attempt?.then ?? null} />
      ) : asked !== null ? (
        <SecondStep
          asked={asked}
          then={attempt?.then ?? null}
          onStartOver={() => navigate(paths.signIn(attempt?.then ?? undefined), { replace: true })}
        />
      ) : own === null && failure === null ? (
        <Skeleton lines={4} />
      ) : (
        <div className={styles.done}>
          {own === null ? (
            failure && <ErrorNotice failure={failure} />
          ) : (
            <p className={styles.text} role="alert">
              {own}
            </p>
          )}
          <Link to={attempt?.purpose === 'LINK' ? paths.settings : paths.signIn()}>
            {attempt?.purpose === 'LINK' ? t('toSettings') : t('toSignIn')}
          </Link>
        </div>
      )}
    </Page>
  );
};

export default OidcPage;
