/** Those who ask, all in this process: each sends its next request when the one before has been answered. */
import { serve } from '../child.js';
import { now } from '../clock.js';
import { median, quantile } from '../figures.js';
import { cpuMs } from '../servers/contender.js';
import { openConnection, requestOf, type Answer, type HttpConnection } from './http-connection.js';

export interface Question {
  readonly body: object;
  /** Of who asks. */
  readonly token: string | null;
}

export interface Target {
  readonly url: string;
  readonly questions: readonly Question[];
}

/** Which of the questions each connection asks: all in turn, one that is the same for all, or always its own one. */
export type Pattern = 'turn' | 'equal' | 'own';

export interface Load {
  readonly seconds: number;
  readonly pattern: Pattern;
  /** How many of the questions have been asked before; the next ones come first. */
  readonly from?: number;
}

export interface Loaded {
  /** Those that were answered with data alone. */
  readonly requests: number;
  /** Those that were refused, by a server that could not keep up. */
  readonly refused: number;
  readonly seconds: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly bytes: number;
  readonly clientCpuMs: number;
}

let connections: HttpConnection[] = [];
let requests: Buffer[] = [];

const faultOf = ({ status, failed, body }: Answer): Error | null =>
  status === 200 && !failed ? null : new Error(`A request was answered with ${status} ${body.slice(0, 1_000)}`);

const handlers = {
  /** Asks each question once: the bodies of the answers. */
  ask: async ({ url, questions }: Target): Promise<string[]> => {
    const connection = await openConnection(url);
    const bodies: string[] = [];
    for (const { body, token } of questions) {
      const answer = await new Promise<Answer>((resolve) => connection.ask(requestOf(url, body, token), resolve, true));
      const fault = faultOf(answer);
      if (fault) throw fault;
      bodies.push(answer.body);
    }
    connection.close();
    return bodies;
  },
  open: async ({ url, questions, count }: Target & { readonly count: number }): Promise<void> => {
    requests = questions.map(({ body, token }) => requestOf(url, body, token));
    connections = await Promise.all(Array.from({ length: count }, () => openConnection(url)));
  },
  load: async ({ seconds, pattern, from = 0 }: Load): Promise<Loaded> => {
    const cpuBefore = cpuMs();
    const startedAt = now();
    const endsAt = startedAt + seconds * 1_000;
    const times: number[] = [];
    let bytes = 0;
    let refused = 0;
    let next = from;
    const asking = (connection: HttpConnection, place: number): Promise<void> =>
      new Promise((resolve) => {
        const ask = (): void => {
          const index = pattern === 'turn' ? next : pattern === 'own' ? place : 0;
          next += 1;
          const request = requests[index % requests.length];
          if (request === undefined) throw new Error('There are no questions.');
          const sentAt = now();
          connection.ask(request, (answer) => {
            const at = now();
            if (faultOf(answer) === null) {
              times.push(at - sentAt);
              ({ bytes } = answer);
            } else refused += 1;
            if (at < endsAt) ask();
            else resolve();
          });
        };
        ask();
      });
    await Promise.all(connections.map(asking));
    return {
      requests: times.length,
      refused,
      seconds: (now() - startedAt) / 1_000,
      p50: median(times),
      p99: quantile(times, 0.99),
      bytes,
      clientCpuMs: cpuMs() - cpuBefore,
    };
  },
  close: (): void => {
    for (const connection of connections) connection.close();
    connections = [];
  },
};

export type QueryClient = typeof handlers;
serve(handlers);
