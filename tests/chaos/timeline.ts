/** What was done to the servers, and when: times are milliseconds since the run began. */
export interface Timeline {
  readonly now: () => number;
  /** Notes a fault, which lasts until the function that is returned is called. */
  readonly begin: (fault: string) => () => void;
  /** What went on at a time, in words: the faults of that moment, or the last one before it. */
  readonly at: (time: number) => string;
  readonly faults: () => readonly PastFault[];
}

export interface PastFault {
  readonly name: string;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

export const createTimeline = (): Timeline => {
  const start = performance.now();
  const faults: { readonly name: string; readonly from: number; to: number }[] = [];
  const now = (): number => performance.now() - start;
  return {
    now,
    begin: (name) => {
      const fault = { name, from: now(), to: Infinity };
      faults.push(fault);
      return () => {
        fault.to = now();
      };
    },
    at: (time) => {
      const during = faults.filter(({ from, to }) => from <= time && time <= to).map(({ name }) => name);
      if (during.length > 0) return `during ${during.join(' and ')}`;
      const last = faults.findLast(({ to }) => to < time);
      return last === undefined ? 'before any fault' : `after ${last.name}`;
    },
    faults: () => faults,
  };
};
