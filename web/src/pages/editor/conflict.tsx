import { useEffect, useRef } from 'react';
import { Button } from '../../design/button.js';
import { TextArea } from '../../design/text-field.js';
import type { EditedEntryFragment } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { editorTexts } from './editor-texts.js';
import styles from './editor-page.module.css';

interface ConflictProps {
  /** The entry as it is now; null when it is gone. */
  readonly other: EditedEntryFragment | null;
  readonly busy: boolean;
  /** Goes on with both edits together; null where they are of the same lines. */
  readonly onMerge: (() => void) | null;
  readonly onKeepMine: () => void;
  readonly onTakeOther: () => void;
}

/** Tells that the entry was changed meanwhile, with the other text beside one's own, which stays in the form. */
export const Conflict = ({ other, busy, onMerge, onKeepMine, onTakeOther }: ConflictProps) => {
  const t = useTexts(editorTexts);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className={styles.conflict} aria-labelledby="conflict">
      <h2 ref={heading} id="conflict" tabIndex={-1}>
        {t('conflictTitle')}
      </h2>
      <p>{t(other ? (onMerge ? 'conflictFits' : 'conflictText') : 'conflictGone')}</p>
      {other && (
        <>
          <p dir="auto">{t('otherTitle', { title: other.title })}</p>
          <TextArea label={t('otherText')} className={styles.other} value={other.content} rows={8} readOnly />
        </>
      )}
      <div className={styles.acts}>
        {onMerge && (
          <Button look="primary" onClick={onMerge}>
            {t('merge')}
          </Button>
        )}
        <Button busy={busy} onClick={onKeepMine}>
          {t(other ? 'keepMine' : 'saveAsNew')}
        </Button>
        {other && <Button onClick={onTakeOther}>{t('takeOther')}</Button>}
      </div>
    </section>
  );
};
