import { useState } from 'react';
import { useMutation } from 'urql';
import { Link, useSearch } from 'wouter';
import { tokens } from '../../api/session.js';
import { IssuerButtons } from '../../app/oidc/issuer-buttons.js';
import { Page } from '../../app/page.js';
import { paths, thenOf } from '../../app/paths.js';
import { textOf } from '../../app/sending.js';
import { Button } from '../../design/button.js';
import { TextField } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { SignIn } from './operations.js';
import { PasskeyButton } from './passkey-button.js';
import { askedOf, SecondStep, type Asked } from './second-step.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

const SignInPage = () => {
  const t = useTexts(signInTexts);
  const then = thenOf(useSearch()) ?? undefined;
  const begin = useBeginSession();
  const words = useSignInWords();
  const [, signIn] = useMutation(SignIn);
  /** What the first step was answered, and whether somebody goes on with the second. */
  const [asked, setAsked] = useState<Asked | null>(null);
  const [goesOn, setGoesOn] = useState(false);
  if (asked !== null && goesOn)
    return (
      <Page title={t('signIn')}>
        <SecondStep
          asked={asked}
          onStartOver={() => {
            setAsked(null);
            setGoesOn(false);
          }}
        />
      </Page>
    );
  return (
    <Page title={t('signIn')}>
      <IssuerButtons then={then ?? null} />
      <PasskeyButton />
      <SessionForm
        submit={t('signIn')}
        onSubmit={async (values) => {
          const password = values.get('password');
          const { data, error } = await signIn({
            input: {
              identifier: textOf(values, 'identifier'),
              password: typeof password === 'string' ? password : '',
              deviceToken: tokens.device(),
            },
          });
          if (data?.login) begin(data.login);
          const step = askedOf(error);
          setAsked(step);
          setGoesOn(step?.isCertain === true);
          return step?.isCertain === true ? undefined : error;
        }}
        words={words}
        foot={t.rich('noAccount', {
          register: (
            <Link key="register" to={paths.register(then)}>
              {t('toRegister')}
            </Link>
          ),
          guest: (
            <Link key="guest" to={paths.guest(then)}>
              {t('toGuest')}
            </Link>
          ),
        })}
      >
        {() => (
          <>
            <TextField name="identifier" label={t('identifier')} autoComplete="username" autoCapitalize="none" required />
            <TextField
              name="password"
              type="password"
              label={t('password')}
              hint={<Link to={paths.forgotPassword}>{t('forgot')}</Link>}
              autoComplete="current-password"
              required
            />
          </>
        )}
      </SessionForm>
      {asked !== null && (
        <Button className={styles.over} onClick={() => setGoesOn(true)}>
          {t('haveCode')}
        </Button>
      )}
    </Page>
  );
};

export default SignInPage;
