import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The built server as a process of its own, as `npm start` runs it. */
export interface ServerProcess {
  readonly url: string;
  /** Everything it has printed. */
  readonly output: () => string;
  readonly child: ChildProcess;
  /** Sends a signal and resolves with the exit code when the process has ended; null when the signal ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What is started in the place of `dist/main.js` on this Node. It ends with its parent, however that ends. */
export interface Program {
  readonly node?: string;
  readonly args: readonly string[];
}

/** Threads of it import this too, and have no channel. */
const ENDS_WITH_PARENT = 'data:text/javascript,process.once("disconnect",()=>process.exit());process.channel?.unref()';

/**
 * Starts `dist/main.js` on a free port, or another program, and resolves when it has said where GraphQL is.
 * @throws with what it printed, when it ends before
 */
export const startServerProcess = async (env: Readonly<Record<string, string>>, program: Program | null = null): Promise<ServerProcess> => {
  const { node = process.execPath, args } = program ?? { args: [MAIN] };
  const child = spawn(node, [...(program === null ? [] : ['--import', ENDS_WITH_PARENT]), ...args], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
    stdio: program === null ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  const exited = once(child, 'exit').then(([code]: unknown[]) => {
    process.off('exit', kill);
    return code as number | null;
  });
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const found = /http:\/\/[^\s/]+\/graphql/.exec(output)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void exited.then((code) => reject(new Error(`The server ended with ${code} before it was ready:\n${output}`)));
  });
  return {
    url,
    output: () => output,
    child,
    end: async (signal) => {
      child.kill(signal);
      return await exited;
    },
  };
};
