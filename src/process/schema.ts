import {
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  lexicographicSortSchema,
  printSchema,
  type GraphQLSchema,
} from 'graphql';
import { builder } from '../graphql/builder.js';
import '../graphql/nodes.js';
import '../graphql/topic-field.js';
import '../domains/account/schema.js';
import '../domains/account/api-key-schema.js';
import '../domains/account/email-schema.js';
import '../domains/account/identity-schema.js';
import '../domains/account/invitation-schema.js';
import '../domains/account/terms-schema.js';
import '../domains/account/oidc-schema.js';
import '../domains/account/password-schema.js';
import '../domains/account/second-factor-schema.js';
import '../domains/account/passkey-schema.js';
import '../domains/account/session-schema.js';
import '../domains/account/sign-in-schema.js';
import '../domains/account/suspension-schema.js';
import '../domains/admin/schema.js';
import '../domains/audit/schema.js';
import '../domains/audit/alert-schema.js';
import '../domains/blocks/schema.js';
import '../domains/conversations/schema.js';
import '../domains/conversations/message-schema.js';
import '../domains/conversations/event-schema.js';
import '../domains/conversations/filing-schema.js';
import '../domains/conversations/request-schema.js';
import '../domains/conversations/typing-schema.js';
import '../domains/files/schema.js';
import '../domains/follows/schema.js';
import '../domains/inbox/schema.js';
import '../domains/inbox/sync-schema.js';
import '../domains/knowledge/category-schema.js';
import '../domains/knowledge/schema.js';
import '../domains/knowledge/revision-schema.js';
import '../domains/knowledge/event-schema.js';
import '../domains/notifications/schema.js';
import '../domains/operations/schema.js';
import '../domains/posts/schema.js';
import '../domains/posts/comment-schema.js';
import '../domains/posts/event-schema.js';
import '../domains/posts/feed-schema.js';
import '../domains/presence/connected-clients-schema.js';
import '../domains/presence/schema.js';
import '../domains/privacy/schema.js';

/** The Relay plugin declares these by itself, without a way to describe them. */
const RELAY_ARGUMENTS: Readonly<Record<string, string>> = {
  first: 'At most this many items, from the start or after `after`: 0 to 100, 20 by default.',
  after: 'Only what follows this cursor.',
  last: 'At most this many items, from the end or before `before`: 0 to 100.',
  before: 'Only what precedes this cursor.',
};

const describeRelay = (built: GraphQLSchema): GraphQLSchema => {
  for (const type of Object.values(built.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      for (const argument of field.args) argument.description ??= RELAY_ARGUMENTS[argument.name] ?? null;
    }
  }
  return built;
};

const DESCRIPTION = `The API of Lyceum: a knowledge vault, posts, conversations, presence and notifications, live.

Sign in with \`register\`, \`login\` or \`joinAsGuest\`, and send the access token as \`Authorization: Bearer …\`, or in the payload of a socket's \`connection_init\`. Every object has a global \`id\`, which \`node\` loads. Lists are pages (\`first\`, \`after\`, \`last\`, \`before\`). An error has a code of \`ErrorCode\` in \`extensions.code\`. What is deprecated names its successor.`;

/** Required arguments before optional ones; otherwise the order stays the same. */
const requiredFirst = (built: GraphQLSchema): GraphQLSchema => {
  for (const type of Object.values(built.getTypeMap())) {
    if (isInputObjectType(type)) {
      const fields = type.getFields();
      // The fields that the type itself holds: an object has the order in which its properties were set.
      const ordered = Object.entries(fields).sort(
        ([, one], [, other]) => Number(isRequiredInputField(other)) - Number(isRequiredInputField(one)),
      );
      for (const [name, field] of ordered) {
        Reflect.deleteProperty(fields, name);
        fields[name] = field;
      }
    } else if ((isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__')) {
      for (const field of Object.values(type.getFields())) {
        field.args = [...field.args].sort((one, other) => Number(isRequiredArgument(other)) - Number(isRequiredArgument(one)));
      }
    }
  }
  return built;
};

const described = (built: GraphQLSchema): GraphQLSchema => {
  built.description = DESCRIPTION;
  return describeRelay(built);
};

/** The whole schema: every domain adds its part to the builder when it is loaded. */
export const schema: GraphQLSchema = requiredFirst(described(builder.toSchema()));

/** The schema as it is committed: in SDL, sorted. */
export const printedSchema = (): string => `${printSchema(requiredFirst(lexicographicSortSchema(schema)))}\n`;
