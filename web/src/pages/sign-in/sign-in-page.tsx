import { useMutation } from 'urql';
import { Link, useSearch } from 'wouter';
import { tokens } from '../../api/session.js';
import { IssuerButtons } from '../../app/oidc/issuer-buttons.js';
import { Page } from '../../app/page.js';
import { paths, thenOf } from '../../app/paths.js';
import { textOf } from '../../app/sending.js';
import { TextField } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { SignIn } from './operations.js';
import { SessionForm } from './session-form.js';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

const SignInPage = () => {
  const t = useTexts(signInTexts);
  const then = thenOf(useSearch()) ?? undefined;
  const begin = useBeginSession();
  const words = useSignInWords();
  const [, signIn] = useMutation(SignIn);
  return (
    <Page title={t('signIn')}>
      <IssuerButtons then={then ?? null} />
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
          return error;
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
    </Page>
  );
};

export default SignInPage;
