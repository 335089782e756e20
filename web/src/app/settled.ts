import { useEffect, useEffectEvent, useRef, useState } from 'react';

/** A value once it has stayed the same for some milliseconds: what is asked for while somebody writes. */
export const useSettled = <Value>(value: Value, ms: number): Value => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
};

/** How long somebody pauses before the words of a search get into the address, in milliseconds. */
const PAUSE_MS = 200;

interface TypedSearch {
  /** As it stands in the field. */
  readonly text: string;
  readonly type: (text: string) => void;
  /** Without a pause. */
  readonly ask: () => void;
}

/**
 * A search whose words are part of the address, which follows what is typed.
 * @param asked the words of the address; where something else changes them, such as going back, the field follows
 */
export const useTypedSearch = (asked: string, onSearch: (words: string) => void): TypedSearch => {
  const [text, setText] = useState(asked);
  const last = useRef(asked);
  const words = text.trim();
  const settled = useSettled(words, PAUSE_MS);
  const ask = (): void => {
    if (words === last.current) return;
    last.current = words;
    onSearch(words);
  };
  const onSettled = useEffectEvent(() => {
    // Not what was typed before the address was changed by something else.
    if (settled === words) ask();
  });
  useEffect(() => onSettled(), [settled]);
  useEffect(() => {
    if (asked === last.current) return;
    last.current = asked;
    setText(asked);
  }, [asked]);
  return { text, type: setText, ask };
};
