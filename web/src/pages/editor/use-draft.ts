import { useCallback, useEffect, useRef, useState } from 'react';
import type { EditedEntryFragment } from '../../gql/graphql.js';
import { draftPlace, type Attempt, type Draft, type Target } from './drafts.js';
import { EMPTY, fieldsOf, isSame, type Fields } from './fields.js';
import { targetOf } from './saving.js';

/** How long nothing is typed before it is kept, in milliseconds; what leaves the page is kept at once. */
const PAUSE_MS = 300;

interface Written {
  readonly fields: Fields;
  /** What the server has of it: what is the same is saved. */
  readonly base: Fields;
  readonly target: Target | null;
  readonly attempt: Attempt | null;
}

/** The text that is being written, which this browser keeps until it is saved. */
export interface DraftInHand extends Written {
  readonly isDirty: boolean;
  /** Whether the form began with what was written before. */
  readonly isRestored: boolean;
  /** Whether the browser had room for it. */
  readonly isKept: boolean;
  readonly change: (changes: Partial<Written>) => void;
  /** The same as it is at this moment, for what began earlier. */
  readonly latest: () => Written;
  /** Ends it: nothing is kept any more. */
  readonly close: () => void;
}

export const useDraft = (owner: string, entry: EditedEntryFragment | null): DraftInHand => {
  const [place] = useState(() => draftPlace(owner, entry?.id ?? null));
  const [kept] = useState(place.read);
  const [written, setWritten] = useState<Written>(() => {
    const base = entry ? fieldsOf(entry) : EMPTY;
    const begun = { fields: base, target: entry ? targetOf(entry) : null, attempt: null };
    return { base, ...begun, ...kept };
  });
  const [isKept, setIsKept] = useState(true);
  const latest = useRef(written);
  const isClosed = useRef(false);
  const isStored = useRef(kept !== null);
  const isDirty = !isSame(written.fields, written.base);

  const keep = useCallback((): void => {
    const { fields, base, target, attempt } = latest.current;
    if (isClosed.current || isSame(fields, base)) return;
    const draft: Draft = { fields, target, attempt };
    isStored.current = true;
    setIsKept(place.keep(draft));
  }, [place]);
  const change = useCallback(
    (changes: Partial<Written>): void => {
      latest.current = { ...latest.current, ...changes };
      setWritten(latest.current);
      // Known before it is sent: the page may be gone when the answer comes.
      if (changes.attempt !== undefined) keep();
    },
    [keep],
  );
  useEffect(() => {
    if (isDirty) {
      const timer = setTimeout(keep, PAUSE_MS);
      return () => clearTimeout(timer);
    }
    // Not what another tab has kept meanwhile.
    if (isStored.current && !isClosed.current) place.forget();
    isStored.current = false;
    return undefined;
  }, [written, isDirty, keep, place]);
  useEffect(() => {
    addEventListener('pagehide', keep);
    return () => {
      removeEventListener('pagehide', keep);
      keep();
    };
  }, [keep]);

  return {
    ...written,
    isDirty,
    isRestored: kept !== null,
    isKept,
    change,
    latest: () => latest.current,
    close: () => {
      isClosed.current = true;
      place.forget();
    },
  };
};
