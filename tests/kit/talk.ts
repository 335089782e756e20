import type { TestApp, TestUser } from './app.js';

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
  readonly room: (as: TestUser, input?: object) => Promise<{ readonly id: string; readonly cursor: string; readonly joinCode: string }>;
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
  const begun = async <Fields>(as: TestUser, name: string, input: object, selection: string): Promise<Fields> =>
    (await act<{ conversation: Fields }>(as, name, input, `conversation { ${selection} }`)).conversation;
  return {
    act,
    code: (as, name, input) => app.code(mutation(name, '__typename'), { input }, as),
    direct: (as, other) => begun(as, 'startDirect', { userId: other.id }, 'id cursor'),
    group: (as, others) => begun(as, 'createGroup', { title: 'Group', memberIds: others.map(({ id }) => id) }, 'id cursor'),
    room: (as, input = {}) => begun(as, 'createRoom', input, 'id cursor joinCode'),
    send: async (as, conversationId, body) => {
      const { cursor, message } = await act<{ cursor: string; message: { id: string; seq: number } }>(
        as,
        'sendMessage',
        { conversationId, body },
        'cursor message { id seq }',
      );
      return { ...message, cursor };
    },
    read: async <Fields>(as: TestUser, id: string, selection: string) =>
      (await app.data<{ conversation: Fields }>(`query ($id: ID!) { conversation(id: $id) { ${selection} } }`, { id }, as)).conversation,
  };
};
