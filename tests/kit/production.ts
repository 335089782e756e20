import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiAt } from './api.js';
import type { GraphQLResponse } from './client.js';
import { CreatePost, aGuest } from './factories.js';
import { startServerProcess, type ServerProcess } from './process.js';

/** A line of a server's log. */
export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly condition?: string;
  readonly reason?: string;
  readonly forMs?: number;
  readonly refused?: number;
}

export interface Readiness {
  readonly status: number;
  /** Whether it was answered within a second. */
  readonly soon: boolean;
  readonly ready: boolean;
  readonly components: Readonly<Record<string, string>>;
}

/** The built server in production mode, somebody who is signed in there, and what it says of itself. */
export interface ProductionServer {
  readonly server: ServerProcess;
  /** What it has printed on either stream, every line of which must be JSON. @throws when one is not */
  readonly lines: () => Line[];
  /** What it has said of a condition. */
  readonly told: (condition: string) => Line[];
  /** Asks for something that the database must be read for. */
  readonly read: () => Promise<GraphQLResponse>;
  /** Writes a post. */
  readonly write: () => Promise<GraphQLResponse>;
  readonly readiness: () => Promise<Readiness>;
  readonly stop: () => Promise<void>;
}

export const startProductionServer = async (env: Readonly<Record<string, string>>): Promise<ProductionServer> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-production-'));
  const server = await startServerProcess({
    ...{ NODE_ENV: 'production', HOST: '127.0.0.1', DATA_DIR: dataDir, DRAIN_MS: '0', LOG_LEVEL: 'warn' },
    ...env,
  });
  const api = apiAt(server.url);
  const guest = await aGuest(api);
  const lines = (): Line[] =>
    server
      .output()
      .split('\n')
      // What follows the last line break is still being written.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  return {
    server,
    lines,
    told: (condition) => lines().filter((line) => line.condition === condition),
    read: () => api.execute('{ posts { totalCount } }', {}, guest),
    write: () => api.execute(CreatePost, { input: { body: 'b' } }, guest),
    readiness: async () => {
      const askedAt = performance.now();
      const response = await fetch(new URL('/readyz', server.url));
      const said = (await response.json()) as Pick<Readiness, 'ready' | 'components'>;
      return { status: response.status, soon: performance.now() - askedAt < 1_000, ...said };
    },
    stop: async () => {
      await server.end('SIGTERM');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

/** The code of the first error of an answer; undefined when it has none. */
export const codeOf = ({ errors }: GraphQLResponse): unknown => errors?.[0]?.extensions?.['code'];

/** Does something so many times, one after the other. */
export const repeat = async <Result>(times: number, work: () => Promise<Result>): Promise<Result[]> => {
  const results: Result[] = [];
  for (let time = 0; time < times; time += 1) results.push(await work());
  return results;
};
