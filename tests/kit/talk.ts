import type { CreateRoomInput } from '../generated/texts/graphql.js';
import type { TestApp, TestUser } from './app.js';
import { aDirect, aGroup, aMessage, aRoom } from './factories.js';

/** What a payload or a conversation of the tests holds; each test selects what it reads. */
type Selected = Record<string, unknown>;

/** Talking, as a client does it, in few words. */
export interface Talk {
  /** Does a mutation of this name, which must succeed: its payload. */
  readonly act: <Payload = Selected>(as: TestUser | undefined, name: string, input: object, selection: string) => Promise<Payload>;
  /** Does a mutation: the code of its error; undefined when it succeeds. */
  readonly code: (as: TestUser | undefined, name: string, input: object) => Promise<unknown>;
  readonly direct: (as: TestUser, other: TestUser) => Promise<{ readonly id: string; readonly cursor: string }>;
  readonly group: (as: TestUser, others: readonly TestUser[]) => Promise<{ readonly id: string; readonly cursor: string }>;
  readonly room: (
    as: TestUser,
    input?: CreateRoomInput,
  ) => Promise<{ readonly id: string; readonly cursor: string; readonly joinCode: string }>;
  readonly send: (
    as: TestUser,
    conversationId: string,
    body: string,
  ) => Promise<{ readonly id: string; readonly cursor: string; readonly seq: number }>;
  /** Reads fields of a conversation. */
  readonly read: <Fields = Selected>(as: TestUser, id: string, selection: string) => Promise<Fields>;
}

export const createTalk = (app: TestApp): Talk => {
  const mutation = (name: string, selection: string): string =>
    `mutation ($input: ${name.charAt(0).toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${selection} } }`;
  const act = async <Payload>(as: TestUser | undefined, name: string, input: object, selection: string): Promise<Payload> => {
    const data = await app.data<Record<string, Payload>>(mutation(name, selection), { input }, as);
    return data[name] as Payload;
  };
  return {
    act,
    code: (as, name, input) => app.code(mutation(name, '__typename'), { input }, as),
    direct: (as, other) => aDirect(app, as, other),
    group: (as, others) => aGroup(app, as, others),
    room: (as, input) => aRoom(app, as, input),
    send: (as, conversationId, body) => aMessage(app, as, conversationId, body),
    read: async <Fields>(as: TestUser, id: string, selection: string) =>
      (await app.data<{ conversation: Fields }>(`query ($id: ID!) { conversation(id: $id) { ${selection} } }`, { id }, as)).conversation,
  };
};
