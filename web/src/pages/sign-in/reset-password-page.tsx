import { useState } from 'react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { fieldWords } from '../../api/failure.js';
import { NewPasswordField } from '../../app/new-password/new-password-field.js';
import { Page } from '../../app/page.js';
import { paths, secretOfAddress } from '../../app/paths.js';
import { secretTextOf } from '../../app/sending.js';
import { buttonClass } from '../../design/button.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { ResetPassword } from './operations.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';

/** Where the link of a mail leads that somebody has asked for who has forgotten their password. */
const ResetPasswordPage = () => {
  const t = useTexts(signInTexts);
  const words = useTexts(fieldTexts);
  const [token] = useState(secretOfAddress);
  const [{ data }, reset] = useMutation(ResetPassword);
  const done = data?.resetPassword;
  return (
    <Page title={t('resetTitle')}>
      {done ? (
        <div className={styles.done}>
          <p className={styles.text} role="status">
            {t('wasSet', { username: done.user.username })}
          </p>
          <Link to={paths.signIn()} className={buttonClass('primary')}>
            {t('signIn')}
          </Link>
        </div>
      ) : (
        <>
          <p className={styles.text}>{t('resetText')}</p>
          <SessionForm
            submit={t('set')}
            onSubmit={async (values) => (await reset({ input: { token, newPassword: secretTextOf(values, 'newPassword') } })).error}
            words={({ fields }) => (fields.some(({ path }) => path === 'token') ? t('linkGone') : null)}
            foot={<Link to={paths.forgotPassword}>{t('forgotTitle')}</Link>}
          >
            {(failure) => (
              <NewPasswordField name="newPassword" label={t('newPassword')} error={fieldWords(failure, 'newPassword', words)} />
            )}
          </SessionForm>
        </>
      )}
    </Page>
  );
};

export default ResetPasswordPage;
