import { execFile, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { hasCode, isTemporaryObstacle } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';
import { childEnvironment, programOf, runCommand, type Launcher } from './binaries.js';
import { lifeOf } from './owner.js';

export const HOST = '127.0.0.1';

/** The longest start, in milliseconds: crash recovery replays the log since the last checkpoint, which takes long on a slow disk. */
const READY_TIMEOUT_MS = 10 * 60_000;
/** How long a start is retried while a temporary obstacle remains, in milliseconds. */
const OBSTACLE_TIMEOUT_MS = 30_000;
/** How long PostgreSQL may take to stop before the next, harder signal is sent, in milliseconds. */
const STOP_STEP_MS = 10_000;
const POLL_MS = 25;

export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Resolves with the reason when the process has exited for whatever cause. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on an existing cluster and waits until it accepts connections. A PostgreSQL that an earlier process has left running
 * there is stopped first; since the caller owns the cluster, no other one is meant to run.
 */
export const startServer = async (
  launcher: Launcher,
  data: string,
  durable: boolean,
  maxConnections: number,
  log: Log,
): Promise<Server> => {
  const deadline = performance.now() + OBSTACLE_TIMEOUT_MS;
  for (;;) {
    await stopOrphan(data, log);
    try {
      return await spawnServer(launcher, data, durable, maxConnections, log);
    } catch (error) {
      if (!isTemporaryObstacle(error) || performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
};

/**
 * Stops a PostgreSQL whose parent process has died. When its process id now belongs to another program, the lock file is removed, because
 * PostgreSQL would take that program for a live server.
 */
const stopOrphan = async (data: string, log: Log): Promise<void> => {
  const lockFile = join(data, 'postmaster.pid');
  const text = await readFile(lockFile, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  });
  // On other systems PostgreSQL's own check of the lock file has to do.
  if (text === null || !['linux', 'darwin'].includes(process.platform)) return;
  // A power failure may have left an empty file.
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0 && (await runsOn(pid, data)))) {
    await rm(lockFile, { force: true });
    return;
  }
  log.warn({ pid }, 'stopping a PostgreSQL that an earlier process left behind');
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) throw error;
    }
    const deadline = performance.now() + STOP_STEP_MS;
    while (performance.now() < deadline) {
      if (!(await runsOn(pid, data))) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`The PostgreSQL with process id ${pid}, left behind by an earlier process, does not end.`);
};

/** Whether this process is alive and a PostgreSQL on this data folder, by its command line. */
const runsOn = async (pid: number, data: string): Promise<boolean> => {
  if ((await lifeOf(pid)) === null) return false;
  const command =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(({ stdout }) => stdout);
  return (await command.catch(() => '')).includes(data);
};

const spawnServer = async (launcher: Launcher, data: string, durable: boolean, maxConnections: number, log: Log): Promise<Server> => {
  const port = await freePort(HOST);
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    max_connections: maxConnections,
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statements and details may contain private texts; see forwardOutput for how errors of statements are handled.
    log_min_messages: 'warning',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    log_line_prefix: '',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const [file = '', ...args] = [
    ...launcher.prefix,
    programOf(launcher.bin, 'postgres'),
    ...['-D', data],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawn(file, args, {
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    // PostgreSQL gets a process group of its own, so that Ctrl-C in a terminal reaches only this process, which drains first and stops
    // PostgreSQL last.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.on('error', (error) => {
      // Without a pid the process was not started, and there will be no `exit` event.
      if (child.pid === undefined) resolve(String(error));
      else log.warn({ err: error }, 'the embedded PostgreSQL cannot be reached');
    });
  });
  let stopping = false;
  const output = forwardOutput(child, log, () => stopping);
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      await signalServer(child, signal, launcher, data);
      const patience = new AbortController();
      const ended = await Promise.race([exited, delay(STOP_STEP_MS, null, { signal: patience.signal }).catch(() => null)]);
      patience.abort();
      if (ended !== null) return;
      log.warn({ signal }, 'the embedded PostgreSQL does not end');
    }
    await exited;
  };

  const patience = new AbortController();
  const outcome = await Promise.race([
    output.ready.then(() => 'ready' as const),
    exited,
    delay(READY_TIMEOUT_MS, `not ready after ${READY_TIMEOUT_MS / 1000} seconds`, { signal: patience.signal }),
  ]);
  patience.abort();
  if (outcome === 'ready' && child.pid !== undefined) return { pid: child.pid, port, exited, stop };
  await stop();
  // The reason is in the output, which may go on after the exit until the stream is closed.
  await output.closed;
  throw new Error(`The embedded PostgreSQL did not start (${outcome}):\n${output.lastLines().join('\n')}`);
};

/** Tells PostgreSQL to stop: by a signal, or on Windows, which has no such signals, by `pg_ctl`. */
const signalServer = async (
  child: ChildProcess,
  signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL',
  launcher: Launcher,
  data: string,
): Promise<void> => {
  if (process.platform !== 'win32' || signal === 'SIGKILL') {
    child.kill(signal);
    return;
  }
  const mode = signal === 'SIGINT' ? 'fast' : 'immediate';
  // A failure is ignored: the server is gone, or the next step follows.
  const command = [programOf(launcher.bin, 'pg_ctl'), 'stop', '-D', data, '-m', mode, '--no-wait'];
  await runCommand(command).catch(() => undefined);
};

const REMEMBERED_LINES = 20;

/**
 * Forwards PostgreSQL's messages to the log. Errors of statements are dropped: the client gets them, and their text may quote private
 * content. While the server stops, the messages about closed connections are dropped too.
 */
const forwardOutput = (
  child: ChildProcessByStdio<null, null, Readable>,
  log: Log,
  isStopping: () => boolean,
): { ready: Promise<void>; closed: Promise<void>; lastLines: () => readonly string[] } => {
  const last: string[] = [];
  let severity = 'LOG';
  let isReady = false;
  const lines = createInterface({ input: child.stderr });
  const closed = new Promise<void>((resolve) => lines.once('close', resolve));
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      // A line without a severity continues the message before it.
      severity = /^(DEBUG|INFO|NOTICE|LOG|WARNING|ERROR|FATAL|PANIC):/.exec(line)?.[1] ?? severity;
      if (!isReady) {
        last.push(line);
        if (last.length > REMEMBERED_LINES) last.shift();
      }
      if (severity === 'ERROR') return;
      const matters = ['WARNING', 'FATAL', 'PANIC'].includes(severity) && isReady && !isStopping();
      log[matters ? 'warn' : 'debug']({ postgres: line }, 'PostgreSQL');
      if (line.includes('database system is ready to accept connections')) {
        isReady = true;
        resolve();
      }
    });
  });
  return { ready, closed, lastLines: () => last };
};
