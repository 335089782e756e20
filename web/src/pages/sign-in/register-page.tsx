import { useMutation } from 'urql';
import { Link, useSearch } from 'wouter';
import { fieldWords } from '../../api/failure.js';
import { Page } from '../../app/page.js';
import { paths, thenOf } from '../../app/paths.js';
import { TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { SignUp } from './operations.js';
import { SessionForm, textOf } from './session-form.js';
import { signInTexts } from './sign-in-texts.js';

const RegisterPage = () => {
  const t = useTexts(signInTexts);
  const words = useTexts(fieldTexts);
  const then = thenOf(useSearch()) ?? undefined;
  const begin = useBeginSession();
  const [, signUp] = useMutation(SignUp);
  return (
    <Page title={t('register')}>
      <SessionForm
        submit={t('register')}
        onSubmit={async (values) => {
          const displayName = textOf(values, 'displayName');
          const password = values.get('password');
          const input = {
            username: textOf(values, 'username'),
            email: textOf(values, 'email'),
            password: typeof password === 'string' ? password : '',
            ...(displayName === '' ? {} : { displayName }),
          };
          const { data, error } = await signUp({ input });
          if (data?.register) begin(data.register);
          return error;
        }}
        foot={t.rich('hasAccount', {
          signIn: (
            <Link key="sign-in" to={paths.signIn(then)}>
              {t('toSignIn')}
            </Link>
          ),
        })}
      >
        {(failure) => (
          <>
            <TextField
              name="username"
              label={t('username')}
              hint={t('usernameHint')}
              error={fieldWords(failure, 'username', words)}
              autoComplete="username"
              autoCapitalize="none"
              required
            />
            <TextField
              name="displayName"
              label={t('displayName')}
              hint={t('displayNameHint')}
              error={fieldWords(failure, 'displayName', words)}
              autoComplete="name"
            />
            <TextField
              name="email"
              type="email"
              label={t('email')}
              error={fieldWords(failure, 'email', words)}
              autoComplete="email"
              required
            />
            <TextField
              name="password"
              type="password"
              label={t('password')}
              hint={t('passwordHint')}
              error={fieldWords(failure, 'password', words)}
              autoComplete="new-password"
              required
            />
          </>
        )}
      </SessionForm>
    </Page>
  );
};

export default RegisterPage;
