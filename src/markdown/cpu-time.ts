import { readFileSync } from 'node:fs';

/** How long something has worked. */
export interface CpuClock {
  /** The work since the clock was made, in milliseconds. */
  readonly ms: () => number;
}

/** The most that counts between two looks, in milliseconds: a process that was stopped has not worked meanwhile. */
const LONGEST_GAP_MS = 100;
/** The share of a processor that a thread is taken to have where nobody tells. */
const SHARE = 0.5;

const NANOSECONDS = 1e6;

/** The processor time of a thread of this process in nanoseconds; null where the system does not tell. Linux does, since 2.6. */
const scheduled = (threadId: number): number | null => {
  try {
    return Number(readFileSync(`/proc/self/task/${threadId}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return null;
  }
};

/**
 * The processor time of a thread that works without a pause, from now on. Where the system does not tell, a half of the time that goes by; it has to be looked
 * at often then.
 * @param threadId the system's number of it; null when it is not known
 */
export const cpuClockOf = (threadId: number | null): CpuClock => {
  const startedAt = threadId === null ? null : scheduled(threadId);
  if (threadId !== null && startedAt !== null) return { ms: () => ((scheduled(threadId) ?? startedAt) - startedAt) / NANOSECONDS };
  let worked = 0;
  let lookedAt = performance.now();
  return {
    ms: () => {
      const now = performance.now();
      worked += Math.min(now - lookedAt, LONGEST_GAP_MS) * SHARE;
      lookedAt = now;
      return worked;
    },
  };
};
