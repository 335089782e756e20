import { useState } from 'react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { Page } from '../../app/page.js';
import { paths, secretOfAddress } from '../../app/paths.js';
import { buttonClass } from '../../design/button.js';
import { useTexts } from '../../i18n/language.js';
import { VerifyEmail } from './operations.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';

/** Where the link of a mail leads that asks whether an address is somebody's. What opens links by itself, such as a filter, confirms nothing. */
const VerifyEmailPage = () => {
  const t = useTexts(signInTexts);
  const [token] = useState(secretOfAddress);
  const [{ data }, verify] = useMutation(VerifyEmail);
  const done = data?.verifyEmail;
  return (
    <Page title={t('verifyTitle')}>
      {done ? (
        <div className={styles.done}>
          <p className={styles.text} role="status">
            {t('confirmed', { username: done.user.username })}
          </p>
          <Link to={paths.settings} className={buttonClass('primary')}>
            {t('goOn')}
          </Link>
        </div>
      ) : (
        <>
          <p className={styles.text}>{t('verifyText')}</p>
          <SessionForm
            submit={t('confirm')}
            onSubmit={async () => (await verify({ input: { token } })).error}
            words={({ code, fields }) => (code === 'CONFLICT' ? t('addressTaken') : fields.length > 0 ? t('linkGone') : null)}
            foot={null}
          >
            {() => null}
          </SessionForm>
        </>
      )}
    </Page>
  );
};

export default VerifyEmailPage;
