import { useToast } from '../design/toast.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';

/** Copies a text and says so; where there is no clipboard, as on a page that came without TLS, it shows the text. */
export const useCopy = (): ((text: string, told: string) => void) => {
  const t = useTexts(appTexts);
  const toast = useToast();
  const copy = async (text: string, told: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      toast(told);
    } catch {
      toast(t('notCopied', { text }));
    }
  };
  return (text, told) => void copy(text, told);
};
