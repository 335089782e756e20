import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { askForPasskey, knowsPasskeys } from '../../app/passkeys.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { LoginWithPasskey, StartPasskeyLogin } from './operations.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

/** Signs in with a passkey; nothing where the browser knows none. @param then where somebody wanted to be, where the address does not have it */
export const PasskeyButton = ({ then = null }: { readonly then?: string | null }) => {
  const t = useTexts(signInTexts);
  const words = useSignInWords();
  const begin = useBeginSession(then);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isCancelled, setCancelled] = useState(false);
  const [started, start] = useMutation(StartPasskeyLogin);
  const [finished, finish] = useMutation(LoginWithPasskey);
  if (!knowsPasskeys()) return null;
  const signIn = async (): Promise<void> => {
    setFailure(null);
    setCancelled(false);
    const { data, error } = await start({});
    if (!data?.startPasskeyLogin) {
      setFailure(failureOf(error));
      return;
    }
    const { token, options } = data.startPasskeyLogin;
    const answer = await askForPasskey(options);
    if ('refused' in answer) {
      setCancelled(true);
      return;
    }
    const outcome = await finish({ input: { token, credential: answer.credential, deviceToken: tokens.device() } });
    if (outcome.data?.loginWithPasskey) begin(outcome.data.loginWithPasskey);
    setFailure(failureOf(outcome.error));
  };
  const own = failure && words(failure);
  return (
    <div className={styles.form}>
      {isCancelled && <p role="alert">{t('noPasskey')}</p>}
      {own !== null && (
        <p className={styles.wrong} role="alert">
          {own}
        </p>
      )}
      {failure && own === null && <ErrorNotice failure={failure} />}
      <Button busy={started.fetching || finished.fetching} onClick={() => void signIn()}>
        <KeyRound size={18} aria-hidden /> {t('withPasskey')}
      </Button>
    </div>
  );
};
