import { useState, type SubmitEvent } from 'react';
import type { CombinedError } from 'urql';
import { failureOf, type Failure } from '../api/failure.js';

interface Sending {
  readonly failure: Failure | null;
  readonly busy: boolean;
  readonly onSubmit: (event: SubmitEvent<HTMLFormElement>) => void;
  /** Nothing has gone wrong yet. */
  readonly reset: () => void;
}

/**
 * Sends what was entered into a form, once at a time.
 * @param send gives what went wrong
 * @param onSent nothing did
 */
export const useSending = (send: (values: FormData) => Promise<CombinedError | undefined>, onSent?: () => void): Sending => {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setBusy(true);
    const found = failureOf(await send(new FormData(form)));
    setBusy(false);
    setFailure(found);
    if (found === null) onSent?.();
  };
  return {
    failure,
    busy,
    onSubmit: (event) => {
      event.preventDefault();
      if (!busy) void submit(event.currentTarget);
    },
    reset: () => setFailure(null),
  };
};

/** A text of a form, without the blanks around it. */
export const textOf = (values: FormData, name: string): string => secretTextOf(values, name).trim();

/** The same for what blanks belong to. */
export const secretTextOf = (values: FormData, name: string): string => {
  const value = values.get(name);
  return typeof value === 'string' ? value : '';
};
