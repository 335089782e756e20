import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** Of Linux, whichever the machine. */
const TICKS_A_SECOND = 100;

/** CPU of a process so far, of all its threads, in milliseconds; NaN where there is no `/proc`. */
const ofProcess = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the program, in parentheses, may hold anything.
  const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(user) + Number(system)) * 1_000) / TICKS_A_SECOND;
};

/** CPU of the whole machine so far, in milliseconds of one core: what was used, and all. */
const ofMachine = (): { readonly used: number; readonly all: number } => {
  const all = cpus().flatMap(({ times }) => Object.values(times));
  const idle = cpus().reduce((sum, { times }) => sum + times.idle, 0);
  const sum = all.reduce((total, each) => total + each, 0);
  return { used: sum - idle, all: sum };
};

export interface Spent {
  /** CPU of the process, in milliseconds. */
  readonly process: number;
  /** Of what the machine has, how much was used by whomever: 1 is all of it. */
  readonly machine: number;
}

/** Begins to count; what it gives ends it. */
export const spending = async (pid: number): Promise<() => Promise<Spent>> => {
  const [process, machine] = [await ofProcess(pid), ofMachine()];
  return async () => {
    const { used, all } = ofMachine();
    return { process: (await ofProcess(pid)) - process, machine: (used - machine.used) / (all - machine.all) };
  };
};
