import { useEffect, useRef, useState } from 'react';
import { useLive } from '../../api/live.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import { TypingLive } from './operations.js';
import styles from './typing-line.module.css';

/** A name that is shown stays so long at least, so that nothing flickers; and so long at most after the last sign. */
const CALM_MS = 2_000;
const SILENCE_MS = 8_000;

interface Typist {
  readonly id: string;
  readonly name: string;
  readonly since: number;
}

const useTypists = (id: string): readonly Typist[] => {
  const [typists, setTypists] = useState<readonly Typist[]>([]);
  const ends = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useEffect(() => {
    const { current } = ends;
    return () => {
      for (const end of current.values()) clearTimeout(end);
    };
  }, []);
  useLive({
    query: TypingLive,
    variables: { id },
    about: id,
    onEvent: ({ typingChanged: { isTyping, user } }) => {
      const now = Date.now();
      const present = typists.find((typist) => typist.id === user.id);
      if (!isTyping && !present) return;
      if (isTyping && !present) setTypists([...typists, { id: user.id, name: user.displayName, since: now }]);
      clearTimeout(ends.current.get(user.id));
      const stay = isTyping ? SILENCE_MS : Math.max(0, (present?.since ?? now) + CALM_MS - now);
      ends.current.set(
        user.id,
        setTimeout(() => setTypists((all) => all.filter((typist) => typist.id !== user.id)), stay),
      );
    },
  });
  return typists;
};

/** Who is typing. It keeps its height when nobody is. */
export const TypingLine = ({ id }: { readonly id: string }) => {
  const t = useTexts(messagesTexts);
  const [one, two, more] = useTypists(id);
  const text = !one
    ? ''
    : !two
      ? t('typingOne', { one: one.name })
      : more
        ? t('typingMany')
        : t('typingTwo', { one: one.name, two: two.name });
  return (
    <p className={styles.line} dir="auto">
      {text}
    </p>
  );
};
