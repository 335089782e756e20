import { useState } from 'react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { EmailField } from '../../app/email-field.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { textOf } from '../../app/sending.js';
import { useTexts } from '../../i18n/language.js';
import { RequestPasswordReset } from './operations.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';

const ForgotPasswordPage = () => {
  const t = useTexts(signInTexts);
  const [isSent, setSent] = useState(false);
  const [, request] = useMutation(RequestPasswordReset);
  return (
    <Page title={t('forgotTitle')}>
      {isSent ? (
        <p className={styles.text} role="status">
          {t('sent')}
        </p>
      ) : (
        <>
          <p className={styles.text}>{t('forgotText')}</p>
          <SessionForm
            submit={t('send')}
            onSubmit={async (values) => {
              const { data, error } = await request({ input: { email: textOf(values, 'email') } });
              setSent(data?.requestPasswordReset?.ok === true);
              return error;
            }}
            foot={<Link to={paths.signIn()}>{t('signIn')}</Link>}
          >
            {(failure) => <EmailField label={t('email')} failure={failure} />}
          </SessionForm>
        </>
      )}
    </Page>
  );
};

export default ForgotPasswordPage;
