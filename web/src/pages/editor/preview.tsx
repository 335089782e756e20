import { useQuery } from 'urql';
import { useSettled } from '../../app/settled.js';
import { Prose } from '../../design/prose.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { editorTexts } from './editor-texts.js';
import { PreviewMarkdown } from './operations.js';
import styles from './editor-page.module.css';

/** How long nothing is typed before the server is asked, in milliseconds. */
const PAUSE_MS = 400;

/** A text as the server shows it: by the same rules as what is saved, so that both are the same. */
export const Preview = ({ text }: { readonly text: string }) => {
  const t = useTexts(editorTexts);
  const settled = useSettled(text, PAUSE_MS);
  const isEmpty = settled.trim() === '';
  const [{ data, error }] = useQuery({
    query: PreviewMarkdown,
    variables: { text: settled },
    pause: isEmpty,
    requestPolicy: 'cache-first',
  });
  const html = data?.markdownPreview ?? null;
  return (
    <section className={styles.preview} aria-label={t('preview')} tabIndex={0}>
      {isEmpty ? (
        <p className={styles.quiet}>{t('nothingToPreview')}</p>
      ) : (
        <>
          {error && <p className={styles.quiet}>{t('previewFailed')}</p>}
          {html !== null ? <Prose html={html} /> : !error && <Skeleton lines={6} />}
        </>
      )}
    </section>
  );
};
