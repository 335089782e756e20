import { useMutation } from 'urql';
import { Link, useSearch } from 'wouter';
import { fieldWords } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { Page } from '../../app/page.js';
import { paths, thenOf } from '../../app/paths.js';
import { textOf } from '../../app/sending.js';
import { TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { ComeAsGuest } from './operations.js';
import { SessionForm } from './session-form.js';
import { signInTexts } from './sign-in-texts.js';
import styles from './session-form.module.css';

const GuestPage = () => {
  const t = useTexts(signInTexts);
  const words = useTexts(fieldTexts);
  const then = thenOf(useSearch()) ?? undefined;
  const begin = useBeginSession();
  const [, come] = useMutation(ComeAsGuest);
  return (
    <Page title={t('guest')}>
      <p className={styles.text}>{t('guestText')}</p>
      <SessionForm
        submit={t('enter')}
        onSubmit={async (values) => {
          const { data, error } = await come({ input: { displayName: textOf(values, 'displayName'), deviceToken: tokens.device() } });
          if (data?.joinAsGuest) begin(data.joinAsGuest);
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
          <TextField
            name="displayName"
            label={t('guestName')}
            error={fieldWords(failure, 'displayName', words)}
            autoComplete="nickname"
            required
          />
        )}
      </SessionForm>
    </Page>
  );
};

export default GuestPage;
