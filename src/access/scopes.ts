/**
 * What a credential that is not a session may be good for, with what each scope allows. The enum `ApiKeyScope` of the schema is made from it. A mutation
 * names the one that it needs (`graphql/mutation.ts`).
 */
export const SCOPES = {
  READ: 'Reads and follows whatever its owner may see. It belongs to every key.',
  WRITE_ACCOUNT: 'Changes the profile; never a password, an address, a session or a key.',
  WRITE_BLOCKS: 'Blocks users, and ends blocks.',
  WRITE_CONVERSATIONS: 'Begins conversations, writes in them and manages them.',
  WRITE_FOLLOWS: 'Follows users, and ends that.',
  WRITE_KNOWLEDGE: 'Writes, changes, deletes and likes entries.',
  WRITE_NOTIFICATIONS: 'Marks notifications as read, and chooses which there are.',
  WRITE_POSTS: 'Writes, changes, deletes and likes posts and comments.',
  WRITE_PRESENCE: 'Says whether its owner is here.',
  AGENT: 'Acts as an agent in conversations of support.',
  ADMIN:
    'Acts with the role of its owner, where that is more than a member: what moderators and administrators see, and what they change where the other scopes let it write. Without it, a key is a member.',
} as const;

export type Scope = keyof typeof SCOPES;

const NAMES = Object.keys(SCOPES) as Scope[];

/** Everything but what only a session is good for. */
export const ALL_SCOPES: readonly Scope[] = NAMES;

/** Known scopes, in the order of the table. A name that this version does not know allows nothing. */
export const knownScopes = (names: readonly string[]): Scope[] => NAMES.filter((name) => names.includes(name));
