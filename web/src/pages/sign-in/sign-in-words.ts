import type { Failure } from '../../api/failure.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { signInTexts } from './sign-in-texts.js';

/** Why somebody does not get in, in words; null where the usual ones fit. */
export const useSignInWords = (): ((failure: Failure) => string | null) => {
  const t = useTexts(signInTexts);
  const { exact } = useFormats();
  return ({ code, reason, until, retryAfterMs }) => {
    switch (code) {
      case 'UNAUTHENTICATED':
        return t(reason === 'CONFIRM_BY_MAIL' ? 'byMail' : reason === 'WRONG_PASSKEY' ? 'wrongPasskey' : 'wrong');
      case 'BAD_USER_INPUT':
        return t('wrong');
      case 'RATE_LIMITED':
        return retryAfterMs === null ? null : t('tooOften', { seconds: Math.ceil(retryAfterMs / 1_000) });
      case 'LOCKED': {
        const ended = until === null ? t('suspended') : t('suspendedUntil', { until: exact(until) });
        return reason === null ? ended : `${ended} ${t('because', { reason })}`;
      }
      default:
        return null;
    }
  };
};
