import { readFragment } from '../../gql/fragment-masking.js';
import type { MemberRowFragment, OpenConversationQuery } from '../../gql/graphql.js';
import { MemberRow } from './operations.js';

/** A conversation that is open. */
export type Opened = NonNullable<OpenConversationQuery['conversation']>;

/** Its members, as far as they were asked for. */
export const membersOf = ({ members }: Pick<Opened, 'members'>): readonly MemberRowFragment[] =>
  members === null ? [] : readFragment(MemberRow, members.nodes);

/** All of its members; null for more than were asked for. */
export const allMembersOf = (conversation: Pick<Opened, 'members'>): readonly MemberRowFragment[] | null =>
  conversation.members?.pageInfo.hasNextPage === false ? membersOf(conversation) : null;
