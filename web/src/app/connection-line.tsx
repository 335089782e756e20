import { useEffect, useState } from 'react';
import { useConnection } from '../api/api-provider.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import styles from './connection-line.module.css';

/** A connection that comes back within so much is nobody's concern, in milliseconds. */
const CALM_MS = 1_500;
/** How long it is told that it is back, in milliseconds. */
const BACK_MS = 6_000;

type Told = 'nothing' | 'lost' | 'offline' | 'back';

/** What there is to tell, calmly: a loss after a while, and a return only from a loss that was told. */
const useTold = (state: ReturnType<typeof useConnection>['state']): Told => {
  const [told, setTold] = useState<Told>('nothing');
  useEffect(() => {
    const isAway = state === 'lost' || state === 'offline';
    const next = (present: Told): Told => {
      if (isAway) return state;
      return (present === 'lost' || present === 'offline') && state === 'open' ? 'back' : present === 'back' ? 'back' : 'nothing';
    };
    const timer = setTimeout(() => setTold(next), state === 'lost' ? CALM_MS : 0);
    return () => clearTimeout(timer);
  }, [state]);
  useEffect(() => {
    if (told !== 'back') return;
    const timer = setTimeout(() => setTold('nothing'), BACK_MS);
    return () => clearTimeout(timer);
  }, [told]);
  return told;
};

/** A quiet line above the page about the live connection, while it is away and when it has come back. */
export const ConnectionLine = () => {
  const t = useTexts(appTexts);
  const { state, missed } = useConnection();
  const told = useTold(state);
  const texts: Readonly<Record<Told, string | null>> = {
    nothing: null,
    lost: t('reconnecting'),
    offline: t('offline'),
    back: t('back', { count: missed }),
  };
  return (
    <div className={styles.place} role="status">
      {texts[told] !== null && <p className={styles.line}>{texts[told]}</p>}
    </div>
  );
};
