/** Tells the work for a client that the client has gone. */
export interface HangUp {
  /** Aborted by {@link end}. Most operations never ask for it, so it is made for the first who does. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  /** Called when nobody waits for the result any more. */
  readonly end: () => void;
}

export const createHangUp = (): HangUp => {
  let controller: AbortController | null = null;
  let ended = false;
  return {
    get signal() {
      controller ??= new AbortController();
      if (ended) controller.abort();
      return controller.signal;
    },
    get isOver() {
      return ended;
    },
    end: () => {
      ended = true;
      controller?.abort();
    },
  };
};
