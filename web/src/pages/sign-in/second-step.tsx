import { useMutation, type CombinedError } from 'urql';
import type { Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { textOf } from '../../app/sending.js';
import { Button } from '../../design/button.js';
import { TextField } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { useBeginSession } from './begin-session.js';
import { FinishLogin } from './operations.js';
import { PasskeyButton } from './passkey-button.js';
import { SessionForm } from './session-form.js';
import styles from './session-form.module.css';
import { signInTexts } from './sign-in-texts.js';
import { useSignInWords } from './sign-in-words.js';

/** That a sign-in goes on with a second factor. */
export interface Asked {
  readonly token: string;
  /** TOTP, RECOVERY_CODE, PASSKEY; nothing where it is not told whether there is any. */
  readonly methods: readonly string[];
  /** Whether the first step was right; else a mail is on its way if it was. */
  readonly isCertain: boolean;
}

/** What a sign-in that did not let somebody in asks them for; null when it asks for nothing. */
export const askedOf = (error: CombinedError | undefined): Asked | null => {
  const { reason, signInToken: token, methods } = error?.graphQLErrors[0]?.extensions ?? {};
  if (typeof token !== 'string') return null;
  return { token, methods: Array.isArray(methods) ? (methods as string[]) : [], isCertain: reason === 'SECOND_FACTOR' };
};

interface SecondStepProps {
  readonly asked: Asked;
  /** Where somebody wanted to be, where the address does not have it. */
  readonly then?: string | null;
  readonly onStartOver: () => void;
}

/** Asks for the second factor of an account: a code, or a passkey. */
export const SecondStep = ({ asked: { token, methods, isCertain }, then = null, onStartOver }: SecondStepProps) => {
  const t = useTexts(signInTexts);
  const signInWords = useSignInWords();
  const begin = useBeginSession(then);
  const [, finish] = useMutation(FinishLogin);
  const words = (failure: Failure): string | null => {
    if (failure.fields.some(({ path }) => path === 'token')) return t('stepGone');
    return failure.reason === 'WRONG_CODE' || failure.fields.length > 0 ? t('wrongCode') : signInWords(failure);
  };
  const takesCodes = !isCertain || methods.some((method) => method !== 'PASSKEY');
  return (
    <>
      <p className={styles.text}>{t('secondStep')}</p>
      {methods.includes('PASSKEY') && <PasskeyButton then={then} />}
      {takesCodes && (
        <SessionForm
          submit={t('signIn')}
          onSubmit={async (values) => {
            const { data, error } = await finish({ input: { token, code: textOf(values, 'code'), deviceToken: tokens.device() } });
            if (data?.finishLogin) begin(data.finishLogin);
            return error;
          }}
          words={words}
          foot={null}
        >
          {() => (
            <TextField
              name="code"
              label={t('code')}
              hint={t('codeHint')}
              autoComplete="one-time-code"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              required
            />
          )}
        </SessionForm>
      )}
      <Button look="plain" className={styles.over} onClick={onStartOver}>
        {t('startOver')}
      </Button>
    </>
  );
};
