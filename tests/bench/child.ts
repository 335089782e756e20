import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a child process answers to, by name: one argument, one result, both structured-cloneable. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

export interface Child<Served extends Handlers> {
  readonly call: <Name extends keyof Served & string>(
    name: Name,
    ...argument: Parameters<Served[Name]>
  ) => Promise<Awaited<ReturnType<Served[Name]>>>;
  /** Ends it and resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Response {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Answers the parent's calls, in a process that {@link startChild} has started. Ends the process when the parent has gone. */
export const serve = (handlers: Handlers): void => {
  process.on('message', (message) => {
    const { id, name, argument } = message as Request;
    const answer = async (): Promise<Response> => {
      const handler = handlers[name] as ((argument: unknown) => unknown) | undefined;
      if (!handler) throw new Error(`There is no ${name}.`);
      return { id, result: await handler(argument) };
    };
    answer()
      .catch((error: unknown): Response => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
      .then((response) => process.send?.(response))
      .catch(() => process.exit(1));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0 });
};

/**
 * Starts a file of this folder as a process of its own.
 * @param flags further flags of Node
 */
export const startChild = async <Served extends Handlers>(
  file: string,
  { flags = [], env = {} }: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Child<Served>> => {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child: ChildProcess = fork(path, [], {
    execArgv: ['--expose-gc', '--import', 'tsx', ...flags],
    env: { ...process.env, NODE_ENV: 'production', ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const pending = new Map<number, { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void }>();
  let calls = 0;
  let ready: (() => void) | null = null;
  const started = new Promise<void>((resolve) => (ready = resolve));
  child.on('message', (message) => {
    const { id, result, error } = message as Response;
    if (id === 0) return ready?.();
    const call = pending.get(id);
    pending.delete(id);
    if (error === undefined) call?.resolve(result as never);
    else call?.reject(new Error(`${file}: ${error}`));
  });
  const exited = once(child, 'exit').then(([code]: unknown[]) => {
    for (const { reject } of pending.values()) reject(new Error(`${file} ended with ${String(code)}.`));
    return code;
  });
  await Promise.race([
    started,
    exited.then((code) => Promise.reject(new Error(`${file} ended with ${String(code)} before it was ready.`))),
  ]);
  return {
    call: (name, ...[argument]) =>
      new Promise((resolve, reject) => {
        calls += 1;
        pending.set(calls, { resolve, reject });
        child.send({ id: calls, name, argument });
      }),
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};
