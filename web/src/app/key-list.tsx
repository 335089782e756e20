import type { ReactNode } from 'react';
import { Dialog } from '../design/dialog.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import styles from './key-list.module.css';

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

const Key = ({ children }: { readonly children: string }) => <kbd className={styles.key}>{children}</kbd>;

/** What the keys do, behind `?`. */
const KeyList = ({ onClose }: { readonly onClose: () => void }) => {
  const t = useTexts(appTexts);
  const go = (letter: string): ReactNode => t.rich('goThen', { first: <Key key="g">g</Key>, second: <Key key={letter}>{letter}</Key> });
  const rows: readonly (readonly [name: string, keys: ReactNode])[] = [
    [t('keySearch'), <Key key="k">{isMac ? '⌘ K' : 'Ctrl K'}</Key>],
    [t('keyKeys'), <Key key="?">?</Key>],
    [t('keyGo', { place: t('vault') }), go('v')],
    [t('keyGo', { place: t('feed') }), go('f')],
    [t('keyGo', { place: t('messages') }), go('m')],
    [t('keyGo', { place: t('notifications') }), go('n')],
    [t('keyGo', { place: t('settings') }), go('s')],
    [t('keyLists'), <Key key="arrows">↑ ↓</Key>],
    [t('keyOpen'), <Key key="enter">Enter</Key>],
    [t('keyClose'), <Key key="escape">Esc</Key>],
  ];
  return (
    <Dialog open onClose={onClose} title={t('keys')}>
      <dl className={styles.list}>
        {rows.map(([name, keys]) => (
          <div key={name} className={styles.row}>
            <dt>{name}</dt>
            <dd className={styles.keys}>{keys}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
};

export default KeyList;
