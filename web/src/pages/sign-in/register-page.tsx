import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link, useLocation, useSearch } from 'wouter';
import { fieldWords, type Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { Answer } from '../../app/answer.js';
import { EmailField } from '../../app/email-field.js';
import { NewPasswordField } from '../../app/new-password/new-password-field.js';
import { IssuerButtons } from '../../app/oidc/issuer-buttons.js';
import { Page } from '../../app/page.js';
import { paths, secretOfAddress, thenOf } from '../../app/paths.js';
import { useViewer } from '../../app/viewer.js';
import { secretTextOf, textOf } from '../../app/sending.js';
import { TextField } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import type { HowToComeInQuery } from '../../gql/graphql.js';
import { useLanguage, useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { ClaimAccount, HowToComeIn, SignUp } from './operations.js';
import { NameFields } from './name-fields.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';

interface FieldsProps {
  readonly failure: Failure | null;
  /** A guest has a name to show already. */
  readonly isGuest: boolean;
  /** Whether an invitation is to be typed in. */
  readonly asksInvitation: boolean;
  /** What is to be accepted; a guest has been asked already. */
  readonly terms: HowToComeInQuery['terms'];
}

const Fields = ({ failure, isGuest, asksInvitation, terms }: FieldsProps) => {
  const t = useTexts(signInTexts);
  const words = useTexts(fieldTexts);
  return (
    <>
      <NameFields failure={failure} asksInvitation={asksInvitation} />
      {!isGuest && (
        <TextField
          name="displayName"
          label={t('displayName')}
          hint={t('displayNameHint')}
          error={fieldWords(failure, 'displayName', words)}
          autoComplete="name"
        />
      )}
      <EmailField label={t('email')} hint={t('emailHint')} failure={failure} />
      <NewPasswordField name="password" label={t('password')} error={fieldWords(failure, 'password', words)} />
      {terms && !isGuest && (
        <div>
          <label className={styles.choice}>
            <input type="checkbox" name="termsVersion" value={terms.version} className={styles.box} required />
            <span>
              {t.rich('acceptTerms', {
                terms: (
                  <a key="terms" href={terms.url} target="_blank" rel="noreferrer">
                    {t('terms')}
                  </a>
                ),
              })}
            </span>
          </label>
          {fieldWords(failure, 'termsVersion', words) !== null && (
            <p className={styles.wrong} role="alert">
              {t('termsNeeded')}
            </p>
          )}
        </div>
      )}
    </>
  );
};

/** Makes an account: of nobody yet, or of the guest that the viewer is. */
const RegisterPage = () => {
  const t = useTexts(signInTexts);
  const language = useLanguage();
  const toast = useToast();
  const [, navigate] = useLocation();
  const then = thenOf(useSearch()) ?? undefined;
  const [given] = useState(secretOfAddress);
  const isGuest = useViewer()?.user.role === 'GUEST';
  const begin = useBeginSession();
  const how = useQuery({ query: HowToComeIn });
  const [, signUp] = useMutation(SignUp);
  const [, claim] = useMutation(ClaimAccount);

  const send = async (values: FormData) => {
    const displayName = textOf(values, 'displayName');
    const invitation = given || textOf(values, 'invitation');
    const termsVersion = textOf(values, 'termsVersion');
    const account = {
      username: textOf(values, 'username'),
      email: textOf(values, 'email'),
      password: secretTextOf(values, 'password'),
      ...(invitation === '' ? {} : { invitation }),
    };
    if (isGuest) {
      const { data, error } = await claim({ input: account });
      if (data?.claimAccount) {
        toast(t('claimed'));
        navigate(then ?? paths.settings, { replace: true });
      }
      return error;
    }
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const { data, error } = await signUp({
      input: {
        ...account,
        locale: language,
        timeZone,
        deviceToken: tokens.device(),
        ...(displayName === '' ? {} : { displayName }),
        ...(termsVersion === '' ? {} : { termsVersion }),
      },
    });
    if (data?.register) begin(data.register);
    return error;
  };

  return (
    <Page title={isGuest ? t('claim') : t('register')}>
      <Answer of={how}>
        {({ registration: { mode }, terms }) =>
          mode === 'CLOSED' && given === '' ? (
            <p className={styles.text}>{t('closed')}</p>
          ) : (
            <>
              {isGuest && <p className={styles.text}>{t('claimText')}</p>}
              <IssuerButtons then={then ?? null} />
              <SessionForm
                submit={t('register')}
                onSubmit={send}
                words={({ fields }) => (given !== '' && fields.some(({ path }) => path === 'invitation') ? t('invitationGone') : null)}
                foot={
                  isGuest
                    ? null
                    : t.rich('hasAccount', {
                        signIn: (
                          <Link key="sign-in" to={paths.signIn(then)}>
                            {t('toSignIn')}
                          </Link>
                        ),
                      })
                }
              >
                {(failure) => (
                  <Fields failure={failure} isGuest={isGuest} asksInvitation={mode === 'INVITATION' && given === ''} terms={terms} />
                )}
              </SessionForm>
            </>
          )
        }
      </Answer>
    </Page>
  );
};

export default RegisterPage;
