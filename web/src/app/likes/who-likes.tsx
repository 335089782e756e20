import { lazy, Suspense, useState } from 'react';
import { useTexts } from '../../i18n/language.js';
import { likesTexts } from './likes-texts.js';
import styles from '../act.module.css';

/** Loaded when it is asked for: whoever reads needs no dialogs. */
const LikersDialog = lazy(() => import('../people/likers-dialog.js'));

/** Tells who likes a post or an entry, when it is asked. */
export const WhoLikes = ({ of }: { readonly of: string }) => {
  const t = useTexts(likesTexts);
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className={styles.act} onClick={() => setAsking(true)}>
        {t('whoLikes')}
      </button>
      {isAsking && (
        <Suspense>
          <LikersDialog of={of} onClose={() => setAsking(false)} />
        </Suspense>
      )}
    </>
  );
};
