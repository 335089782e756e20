import type { CombinedError } from 'urql';
import { failureOf, wordsOf } from '../../api/failure.js';
import { useToast } from '../../design/toast.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';

/** Tells of an act that did not work, if it did not. @returns whether it did not */
export const useFailed = (): ((error: CombinedError | undefined) => boolean) => {
  const t = useTexts(messagesTexts);
  const words = useTexts(failureTexts);
  const toast = useToast();
  return (error) => {
    const failure = failureOf(error);
    if (failure) toast(t('failedAct', { words: wordsOf(failure, words) }));
    return failure !== null;
  };
};
