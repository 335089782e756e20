import { useCopy } from '../../../app/copy.js';
import { Button } from '../../../design/button.js';
import { useTexts } from '../../../i18n/language.js';
import page from '../settings-page.module.css';
import { secondFactorTexts } from './second-factor-texts.js';
import styles from './second-factor.module.css';

/** Recovery codes that were just made. Nobody can show them again. */
export const RecoveryCodes = ({ codes, onDone }: { readonly codes: readonly string[]; readonly onDone: () => void }) => {
  const t = useTexts(secondFactorTexts);
  const copy = useCopy();
  return (
    <div className={styles.part} role="status">
      <h3 className={styles.title}>{t('yours')}</h3>
      <p>{t('keep')}</p>
      <ul className={styles.codes}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className={page.acts}>
        <Button onClick={() => copy(codes.join('\n'), t('copied'))}>{t('copy')}</Button>
        <Button look="primary" onClick={onDone}>
          {t('kept')}
        </Button>
      </div>
    </div>
  );
};
