import { useState } from 'react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { tokens } from '../../api/session.js';
import { Page } from '../../app/page.js';
import { paths, secretOfAddress } from '../../app/paths.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { ConfirmSignIn } from './operations.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

/** Where the link of a mail leads by which one signs in while others guess at the account. What opens links by itself, such as a filter, does not use it up. */
const ConfirmSignInPage = () => {
  const t = useTexts(signInTexts);
  const words = useSignInWords();
  const [token] = useState(secretOfAddress);
  const begin = useBeginSession();
  const [, confirm] = useMutation(ConfirmSignIn);
  return (
    <Page title={t('confirmSignInTitle')}>
      <p className={styles.text}>{t('confirmSignInText')}</p>
      <SessionForm
        submit={t('signIn')}
        onSubmit={async () => {
          const { data, error } = await confirm({ input: { token, deviceToken: tokens.device() } });
          if (data?.confirmSignIn) begin(data.confirmSignIn);
          return error;
        }}
        words={(failure) => (failure.fields.length > 0 ? t('signInLinkGone') : words(failure))}
        foot={<Link to={paths.signIn()}>{t('toSignIn')}</Link>}
      >
        {() => null}
      </SessionForm>
    </Page>
  );
};

export default ConfirmSignInPage;
