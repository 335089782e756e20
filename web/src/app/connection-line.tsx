import { useConnection } from '../api/api-provider.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import styles from './connection-line.module.css';

/** A quiet line above the page while the live connection is not there. */
export const ConnectionLine = () => {
  const t = useTexts(appTexts);
  const { state } = useConnection();
  const text = state === 'offline' ? t('offline') : state === 'lost' ? t('reconnecting') : null;
  return (
    <div className={styles.place} role="status">
      {text !== null && <p className={styles.line}>{text}</p>}
    </div>
  );
};
