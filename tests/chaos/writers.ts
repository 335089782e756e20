import { parseId } from '../../src/graphql/ids.js';
import type { LogStream } from './ledger.js';
import { ask, codeOf } from './operations.js';
import type { Random } from './random.js';
import { anyServer, rest, type Scene, type Stage } from './scene.js';

export interface Writers {
  /** Has each finish what it is about, and stop. */
  readonly stop: () => Promise<void>;
  /** Writes one message or comment to a stream, and resolves when it is acknowledged. */
  readonly writeOnce: (stream: LogStream) => Promise<void>;
}

/** Something that a writer may write, the same each time that it is sent. */
interface Write {
  readonly stream: LogStream;
  readonly kind: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** A message or comment of a writer's that has not been edited. */
interface Own {
  readonly stream: LogStream;
  readonly id: string;
  readonly acknowledgedAt: number;
}

const SEND =
  'mutation ($id: ID!, $body: String!, $clientId: String!) { write: sendMessage(input: { conversationId: $id, body: $body, clientId: $clientId }) { of: message { id } } }';
const EDIT = 'mutation ($id: ID!, $body: String!) { write: editMessage(input: { messageId: $id, body: $body }) { of: message { id } } }';
const COMMENT =
  'mutation ($id: ID!, $body: String!, $clientId: String!) { write: addComment(input: { postId: $id, body: $body, clientId: $clientId }) { of: comment { id } } }';
const EDIT_COMMENT = 'mutation ($id: ID!, $body: String!) { write: updateComment(input: { id: $id, body: $body }) { of: comment { id } } }';
const LIKE = 'mutation ($id: ID!) { write: likePost(input: { postId: $id }) { likeCount } }';
const UNLIKE = 'mutation ($id: ID!) { write: unlikePost(input: { postId: $id }) { likeCount } }';

/** Milliseconds between two writes of one writer. */
const PAUSE_MS = { least: 50, most: 350 };
const RETRY_MS = { least: 100, most: 500 };
/** How long a writer tries to be answered, in milliseconds: longer than any fault lasts, on a machine that does much else meanwhile. */
const PATIENCE_MS = 120_000;
/** Of all writes the share that edits something, and that likes a post. */
const EDITS = 0.15;
const LIKES = 0.1;

export const startWriters = (stage: Stage, { streams, writers }: Scene, random: Random): Writers => {
  const { ledger, timeline, leave } = stage;
  let stopping = false;
  let written = 0;

  /** Sends a write until it is acknowledged; null when it was refused, which is found unless it may be. */
  const persist = async (
    by: string,
    token: string,
    { stream, query, variables }: Write,
    chance: Random,
    mayBeRefused = (): boolean => false,
  ) => {
    const since = timeline.now();
    const refusals = new Set<string>();
    while (!leave.aborted) {
      const response = await ask<{ write: { of?: { id: string } } | null }>(anyServer(stage, chance), token, query, variables, leave);
      const code = codeOf(response?.errors);
      if (code === undefined && response?.data?.write) return response.data.write.of?.id ?? '';
      if (response !== null && code === 'NOT_FOUND' && mayBeRefused()) return null;
      if (response !== null && !refusals.has(code ?? 'nothing')) {
        refusals.add(code ?? 'nothing');
        ledger.find(
          'answer',
          `${by} was answered ${code ?? 'nothing'} when it wrote to ${stream.name} (${response.errors?.[0]?.message ?? ''})`,
        );
      }
      if (timeline.now() - since > PATIENCE_MS) {
        ledger.find('answer', `${by} could not write to ${stream.name} for ${PATIENCE_MS / 1_000} s`);
        return null;
      }
      await rest(chance.between(RETRY_MS.least, RETRY_MS.most), leave);
    }
    return null;
  };

  const create = (stream: LogStream, by: string): Write => {
    written += 1;
    const name = `${by.replace(' ', '-')}-${written}`;
    return {
      stream,
      ...(stream.topic === 'conversation' ? { kind: 'MessageAdded', query: SEND } : { kind: 'CommentAdded', query: COMMENT }),
      variables: { id: stream.id, body: name, clientId: name },
    };
  };

  const edit = ({ stream, id }: Own): Write => ({
    stream,
    ...(stream.topic === 'conversation' ? { kind: 'MessageEdited', query: EDIT } : { kind: 'CommentEdited', query: EDIT_COMMENT }),
    variables: { id, body: 'Said better' },
  });

  const writeOn = async (by: string, token: string, chance: Random): Promise<void> => {
    const own: Own[] = [];
    const posts = streams.filter(({ topic }) => topic === 'comments');
    while (!stopping && !leave.aborted) {
      const lot = chance.next();
      const [old] = lot < EDITS ? own.splice(chance.between(0, own.length - 1), 1) : [];
      if (old) {
        const write = edit(old);
        const id = await persist(by, token, write, chance, () => ledger.mayBeGone(old.acknowledgedAt));
        if (id !== null) ledger.acknowledge({ stream: old.stream, kind: write.kind, subject: parseId(id).id, by });
      } else if (lot > 1 - LIKES) {
        const stream = chance.pick(posts);
        await persist(
          by,
          token,
          { stream, kind: 'like', query: chance.next() < 0.6 ? LIKE : UNLIKE, variables: { id: stream.id } },
          chance,
        );
      } else {
        const stream = chance.pick(streams);
        const write = create(stream, by);
        const id = await persist(by, token, write, chance);
        if (id !== null) {
          ledger.acknowledge({ stream, kind: write.kind, subject: parseId(id).id, by });
          own.push({ stream, id, acknowledgedAt: timeline.now() });
        }
      }
      await rest(chance.between(PAUSE_MS.least, PAUSE_MS.most), leave);
    }
  };

  const running = writers.map((token, index) => writeOn(`writer ${index + 1}`, token, random.fork()));
  const last = random.fork();
  return {
    stop: async () => {
      stopping = true;
      await Promise.all(running);
    },
    writeOnce: async (stream) => {
      const write = create(stream, 'closing');
      const id = await persist('closing', writers[0] ?? '', write, last);
      if (id !== null) ledger.acknowledge({ stream, kind: write.kind, subject: parseId(id).id, by: 'closing' });
    },
  };
};
