import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chown, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hasCode } from '../../observability/failures.js';

const STOPPING_OWNER_MS = 15_000;
const POLL_MS = 25;

const recordShape = z.object({
  pid: z.number().int().positive(),
  /** When `pid` was started, as {@link lifeOf} returns it: a later process with the same id is not the owner. */
  started: z.string(),
  state: z.enum(['starting', 'running', 'stopping', 'released']),
  postmaster: z.number().int().nullable(),
  port: z.number().int().nullable(),
});

/** The process that runs the PostgreSQL of a data directory. `postmaster` and `port` are set while `state` is `running`. */
export type OwnerRecord = z.infer<typeof recordShape>;

/** Another live process runs the PostgreSQL of this data directory. */
export class EmbeddedPostgresBusy extends Error {
  override readonly name = 'EmbeddedPostgresBusy';
  readonly pid: number;

  constructor(folder: string, owner: OwnerRecord) {
    super(
      `The embedded PostgreSQL under ${dirname(folder)} is run by process ${owner.pid}. ` +
        'Stop that process first, or choose another DATA_DIR.' +
        (owner.started === '' ? ` If process ${owner.pid} is something else, remove the folder ${folder}.` : ''),
    );
    this.pid = owner.pid;
  }
}

/**
 * The start time of a process, which distinguishes it from a later process with the same id. Null when there is no such process (a zombie
 * counts as none); an empty string where the system does not tell the time.
 */
export const lifeOf = async (pid: number): Promise<string | null> => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return null;
  }
  try {
    if (process.platform === 'linux') {
      const [boot, line] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readFile(`/proc/${pid}/stat`, 'utf8')]);
      // The second field is the program's name in parentheses, and the name may contain spaces and parentheses.
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? null : `${boot.trim()}/${fields[19] ?? ''}`;
    }
    if (process.platform === 'darwin') {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
      const [state = '', ...started] = stdout.trim().split(/\s+/);
      return state.startsWith('Z') ? null : started.join(' ');
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return null;
  }
  return '';
};

/** The record of the live process that owns the PostgreSQL of this folder, or null. */
export const liveOwner = async (folder: string): Promise<OwnerRecord | null> => {
  const { record } = await readLatest(folder);
  return record !== null && (await isAlive(record)) ? record : null;
};

const isAlive = async (record: OwnerRecord): Promise<boolean> => {
  if (record.state === 'released') return false;
  const life = await lifeOf(record.pid);
  return life !== null && (life === record.started || life === '' || record.started === '');
};

export interface Claim {
  update(change: Partial<Pick<OwnerRecord, 'state' | 'postmaster' | 'port'>>): Promise<void>;
}

/**
 * Makes this process the owner of the PostgreSQL whose records are in `folder`. Of several processes (or several calls in one process)
 * exactly one succeeds. The others get {@link EmbeddedPostgresBusy}: at once, or after some seconds when the owner is stopping and does not
 * finish.
 *
 * The records are numbered, and the highest number is the owner's. A claim creates the next number exclusively, once the present owner is
 * dead or has released; lower records are removed only after a higher one exists. Example: A and B both see that owner 7 is dead. Both try
 * to create 8; one fails with EEXIST and looks again. If B was slow and 8 has already been replaced by 9, B may create 8, but then it sees
 * 9 and withdraws. A release therefore rewrites the record instead of removing it: the numbers never restart.
 */
export const claimOwnership = async (folder: string): Promise<Claim> => {
  await mkdir(folder, { recursive: true });
  await shareWithOwnerOf(dirname(folder), folder);
  const started = (await lifeOf(process.pid)) ?? '';
  const deadline = performance.now() + STOPPING_OWNER_MS;
  for (;;) {
    const { number, record } = await readLatest(folder);
    if (record !== null && (await isAlive(record))) {
      if (record.state !== 'stopping' || performance.now() > deadline) throw new EmbeddedPostgresBusy(folder, record);
      await delay(POLL_MS);
      continue;
    }
    const mine = number + 1;
    const file = join(folder, `${mine}.json`);
    let present: OwnerRecord = { pid: process.pid, started, state: 'starting', postmaster: null, port: null };
    const draft = await writeDraft(folder, present);
    try {
      await link(draft, file);
    } catch (error) {
      // Another process was faster: the number exists already, or the winner has removed the drafts.
      if (hasCode(error, 'EEXIST', 'ENOENT')) continue;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    const numbers = await recordNumbers(folder);
    if (numbers.some((other) => other > mine)) {
      await rm(file, { force: true });
      continue;
    }
    const outdated = (await readdir(folder)).filter((name) => !(Number.parseInt(name, 10) >= mine));
    await Promise.all(outdated.map((name) => rm(join(folder, name), { force: true })));
    return {
      update: async (change) => {
        present = { ...present, ...change };
        await rename(await writeDraft(folder, present), file);
      },
    };
  }
};

const recordNumbers = async (folder: string): Promise<number[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  return names.flatMap((name) => (/^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
};

const readLatest = async (folder: string): Promise<{ number: number; record: OwnerRecord | null }> => {
  for (;;) {
    const number = Math.max(0, ...(await recordNumbers(folder)));
    if (number === 0) return { number, record: null };
    try {
      return { number, record: parseRecord(await readFile(join(folder, `${number}.json`), 'utf8')) };
    } catch (error) {
      // The file was removed between the two calls, so a higher number exists.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
};

/**
 * Parses a record. Records are renamed into place when complete, so an incomplete one is the result of a power failure, and its owner is
 * dead.
 */
const parseRecord = (text: string): OwnerRecord | null => {
  try {
    return recordShape.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

const writeDraft = async (folder: string, record: OwnerRecord): Promise<string> => {
  const draft = join(folder, `draft-${randomUUID()}`);
  await writeFile(draft, JSON.stringify(record));
  await shareWithOwnerOf(dirname(folder), draft);
  return draft;
};

/** Gives a file that root creates to the owner of the folder, so that a start as root does not lock the owner out. */
const shareWithOwnerOf = async (folder: string, path: string): Promise<void> => {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  if (uid !== 0) await chown(path, uid, gid);
};
