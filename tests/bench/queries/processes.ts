/** What processes have used, as Linux counts it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A tick of the kernel's accounts. */
const TICK_MS = 10;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** CPU of the process. */
  readonly ownMs: number;
  /** CPU of its children that have ended. */
  readonly endedMs: number;
}

const statOf = async (pid: number): Promise<Stat | null> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name in brackets may hold anything; what follows it begins with the third field.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [1, 11, 12, 13, 14].map((index) => fields[index] ?? 0);
  return { pid, parent, ownMs: (user + system) * TICK_MS, endedMs: (endedUser + endedSystem) * TICK_MS };
};

/** CPU that a process has used, in milliseconds. */
export const cpuOf = async (pid: number): Promise<number> => (await statOf(pid))?.ownMs ?? Number.NaN;

/** CPU that a PostgreSQL has used with all of its processes, those that have ended among them. */
export const cpuOfPostgres = async (postmaster: number): Promise<number> => {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const stats = (await Promise.all(pids.map(statOf))).filter((stat) => stat !== null);
  return stats.reduce(
    (sum, stat) => sum + (stat.pid === postmaster ? stat.ownMs + stat.endedMs : stat.parent === postmaster ? stat.ownMs : 0),
    0,
  );
};

/** Bytes of memory that a process holds. */
export const rssOf = async (pid: number): Promise<number> => {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1_024;
};

/** The process to which all others of an embedded PostgreSQL belong. */
export const postmasterOf = async (dataDir: string): Promise<number> =>
  Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
