/** Somebody who asks for as much as they can, all the time, from one address. A process of its own. */
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';
import { serve } from '../child.js';
import { now } from '../clock.js';

export type Transport = 'HTTP' | 'SSE' | 'WebSocket';

export interface Assault {
  readonly url: string;
  readonly transport: Transport;
  readonly address: string;
  readonly token?: string;
  /** Asked in turn. */
  readonly bodies: readonly string[];
  /** How many are asked at a time. */
  readonly atOnce: number;
  readonly seconds: number;
}

/** How often each answer was given, by its code; OK for data. */
export type Answers = Readonly<Record<string, number>>;

const codeOf = (text: string): string => /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? (text.includes('"data"') ? 'OK' : 'nothing');
/** As much of an answer as is looked at: its errors come first. */
const LOOKED_AT = 2_000;

type Ask = (body: string) => Promise<string>;

const overHttp = ({ url, transport, address, token, atOnce }: Assault): { readonly ask: Ask; readonly close: () => void } => {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const accept = transport === 'SSE' ? 'text/event-stream' : 'application/graphql-response+json';
  const ask: Ask = (body) =>
    new Promise((resolve) => {
      const headers = {
        'content-type': 'application/json',
        accept,
        'x-forwarded-for': address,
        'content-length': Buffer.byteLength(body),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const sent = request(url, { agent, method: 'POST', headers }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => {
          if (text.length < LOOKED_AT) text += data.toString('latin1', 0, LOOKED_AT);
        });
        response.on('end', () => resolve(codeOf(text)));
        response.on('error', () => resolve('cut'));
      });
      sent.on('error', () => resolve('cut'));
      sent.end(body);
    });
  return { ask, close: () => agent.destroy() };
};

const overSocket = ({ url, address, token }: Assault): { readonly ask: Ask; readonly close: () => void } => {
  const waiting = new Map<string, (code: string) => void>();
  let count = 0;
  let socket: WebSocket | null = null;
  /** Opens the next one when the server has closed the one before. */
  const open = (): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const opened = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { headers: { 'x-forwarded-for': address } });
      opened.on('open', () => opened.send(JSON.stringify({ type: 'connection_init', payload: { accessToken: token } })));
      opened.on('message', (data: Buffer) => {
        const text = data.toString('latin1', 0, LOOKED_AT);
        if (text.includes('"connection_ack"')) return resolve(opened);
        const id = /"id":"(\d+)"/.exec(text)?.[1] ?? '';
        waiting.get(id)?.(codeOf(text));
        waiting.delete(id);
      });
      opened.on('error', reject);
      opened.on('close', (code) => {
        socket = null;
        for (const answer of waiting.values()) answer(`closed ${code}`);
        waiting.clear();
        reject(new Error(`closed ${code}`));
      });
    });
  let opening: Promise<WebSocket> | null = null;
  const ask: Ask = async (body) => {
    try {
      socket ??= await (opening ??= open().finally(() => (opening = null)));
    } catch (error) {
      return `handshake ${String(error)}`;
    }
    const current = socket;
    count += 1;
    const id = String(count);
    return await new Promise((resolve) => {
      waiting.set(id, resolve);
      current.send(`{"type":"subscribe","id":"${id}","payload":${body}}`);
    });
  };
  return { ask, close: () => socket?.terminate() };
};

serve({
  assault: async (assault: Assault): Promise<Answers> => {
    const { ask, close } = assault.transport === 'WebSocket' ? overSocket(assault) : overHttp(assault);
    const endsAt = now() + assault.seconds * 1_000;
    const answers: Record<string, number> = {};
    let next = 0;
    const asking = async (): Promise<void> => {
      while (now() < endsAt) {
        // A document that is known already costs less.
        const body = (assault.bodies[next % assault.bodies.length] ?? '').replace('"query":"', `"query":"#${next}\\n`);
        next += 1;
        const code = await ask(body);
        answers[code] = (answers[code] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: assault.atOnce }, asking));
    close();
    return answers;
  },
});

export interface Attacker {
  readonly [name: string]: (assault: Assault) => Promise<Answers>;
  readonly assault: (assault: Assault) => Promise<Answers>;
}
