import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ConnectedClient, ConnectedClients, Services } from '../../context.js';
import type { Bus } from '../../realtime/bus.js';

/** The most that are told of one user. */
export const MAX_LISTED = 200;
/** How long other processes have to answer, in milliseconds. */
const ANSWER_MS = 1_000;

const TOPIC = 'connected-clients';
/** The key of the questions to all processes; answers have the id of the one that has asked. */
const EVERYBODY = 'everybody';

const question = z.object({ askId: z.string(), by: z.string(), userId: z.string() });
const answer = z.object({
  askId: z.string(),
  from: z.string(),
  connections: z.array(
    z.object({
      key: z.string(),
      transport: z.enum(['SOCKET', 'EVENT_STREAM']),
      sessionId: z.string().nullable(),
      ip: z.string().nullable(),
      userAgent: z.string().nullable(),
      since: z.number(),
      subscriptions: z.number(),
      queuedResults: z.number(),
      queuedBytes: z.number(),
    }),
  ),
});

/** One question and the answers to it so far. */
interface Asked {
  readonly awaited: Set<string>;
  readonly connections: ConnectedClient[];
  readonly done: () => void;
}

/**
 * Creates the finder, see {@link ConnectedClients}. Connections are known to their processes alone, and writing each into the database would cost every client for what is seldom
 * asked: so the processes are asked by the bus, and who is alive is known by the leases of presence.
 */
export const createConnectedClients = ({
  bus,
  db,
  processId,
}: Pick<Services, 'db'> & { readonly bus: Bus; readonly processId: string }): ConnectedClients => {
  let here: (userId: string) => readonly ConnectedClient[] = () => [];
  const asking = new Map<string, Asked>();

  const say = (key: string, value: object): void => bus.wake({ topic: TOPIC, key, seq: 0, value });
  bus.listen(TOPIC, EVERYBODY, (_seq, value) => {
    const { data } = question.safeParse(value);
    if (data === undefined || data.by === processId) return;
    const connections = here(data.userId).slice(0, MAX_LISTED);
    say(data.by, { askId: data.askId, from: processId, connections });
  });
  bus.listen(TOPIC, processId, (_seq, value) => {
    const { data } = answer.safeParse(value);
    const asked = data && asking.get(data.askId);
    if (asked?.awaited.delete(data?.from ?? '') !== true) return;
    asked.connections.push(...(data?.connections ?? []));
    if (asked.awaited.size === 0) asked.done();
  });

  const others = async (): Promise<readonly string[]> => {
    const alive = await db.prisma.$queryRaw<{ readonly id: string }[]>`
      SELECT process_id AS id FROM presence_lease WHERE expires_at > now() AND process_id <> ${processId}::uuid LIMIT 1000`;
    return alive.map(({ id }) => id);
  };

  return {
    serve: (connectionsOf) => {
      here = connectionsOf;
    },
    of: async (userId) => {
      const connections = [...here(userId)];
      const awaited = new Set(await others());
      if (awaited.size > 0) {
        const askId = randomUUID();
        await new Promise<void>((done) => {
          const impatience = setTimeout(done, ANSWER_MS);
          asking.set(askId, {
            awaited,
            connections,
            done: () => {
              clearTimeout(impatience);
              done();
            },
          });
          say(EVERYBODY, { askId, by: processId, userId });
        });
        asking.delete(askId);
      }
      return connections.sort((a, b) => a.since - b.since).slice(0, MAX_LISTED);
    },
  };
};
