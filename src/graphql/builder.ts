import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import ValidationPlugin from '@pothos/plugin-validation';
import { GraphQLError, Kind } from 'graphql';
import type { Context } from '../context.js';
import type PrismaTypes from '../db/generated/pothos-types.js';
import { getDatamodel } from '../db/generated/pothos-types.js';
import type { Role } from '../db/generated/prisma/client.js';
import { ERROR_CODES, FIELD_ERROR_CODES, fieldErrors, MAX_FIELD_ERRORS } from '../errors.js';
import HeldPlugin from './held.js';
import { encodeId, parseId } from './ids.js';
import type {} from './price.js';
import { mistakesOf } from './text.js';
import { hasRole, notAllowed, notSignedIn } from '../access/viewer.js';

interface Scopes {
  /** Anyone with a valid token, guests included. */
  signedIn: boolean;
  /** At least this role; see {@link hasRole}. */
  role: Role;
}

export const builder = new SchemaBuilder<{
  Context: Context;
  PrismaTypes: PrismaTypes;
  AuthScopes: Scopes;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    HexColor: { Input: string; Output: string };
  };
}>({
  plugins: [ScopeAuthPlugin, ValidationPlugin, RelayPlugin, HeldPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: (context) => context.db.prisma,
    dmmf: getDatamodel(),
    // The comments of the Prisma schema are meant for developers of the server; each GraphQL field has a description of its own.
    exposeDescriptions: false,
    filterConnectionTotalCount: true,
    onUnusedQuery: null,
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    encodeGlobalID: (typename, id) => encodeId(typename, String(id)),
    decodeGlobalID: (globalId) => parseId(globalId),
    // `nodes.ts` declares both, because the plugin's own fail for an id that names an unknown type.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'An object with a global id.' },
    idFieldOptions: { description: 'Its global id.' },
  },
  scopeAuth: {
    authScopes: ({ viewer }) => ({
      signedIn: viewer !== null,
      role: (role) => hasRole(viewer, role),
    }),
    unauthorizedError: (_parent, { principal }) => (principal === null ? notSignedIn() : notAllowed(principal)),
  },
  validation: {
    validationError: ({ issues }) => fieldErrors('BAD_USER_INPUT', mistakesOf(issues.slice(0, MAX_FIELD_ERRORS))),
  },
});

/** The builder's type parameters, for helpers that are generic over them. */
export type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer Given> ? Given : never;

builder.queryType({ description: 'All that can be read.' });
builder.mutationType({
  description:
    'All that can be changed. Each mutation takes one `input` and returns one payload, which carries every object and every count that it has changed.',
});
builder.subscriptionType({
  description:
    'All that can be followed live. A field with an argument `after` goes on from a cursor and misses nothing; a field whose name ends in `Changed` gives the present value at once, but for `typingChanged`, which keeps nothing.',
});

/** An RFC 3339 date and time with its zone. Digits beyond the millisecond are cut off. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

const parseDateTime = (value: unknown): Date => {
  const date = typeof value === 'string' && RFC3339.test(value) ? new Date(value) : null;
  if (date === null || Number.isNaN(date.getTime()))
    throw new GraphQLError('DateTime must be an RFC 3339 date and time, such as "2026-01-31T12:00:00.000Z".');
  return date;
};

builder.scalarType('DateTime', {
  description: 'A date and time as RFC 3339 says, given in UTC with milliseconds: `2026-01-31T12:00:00.000Z`. Any other zone may be sent.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => value.toISOString(),
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : null),
});

const parseHexColor = (value: unknown): string => {
  if (typeof value !== 'string' || !/^#[0-9a-fA-F]{6}$/.test(value)) throw new GraphQLError('HexColor must be of the form "#1f6feb".');
  return value.toLowerCase();
};

builder.scalarType('HexColor', {
  description: 'A colour as `#rrggbb`, in lower case.',
  specifiedByURL: 'https://www.w3.org/TR/css-color-4/#hex-notation',
  serialize: (value) => value,
  parseValue: parseHexColor,
  parseLiteral: (node) => parseHexColor(node.kind === Kind.STRING ? node.value : null),
});

// ---------------------------------------------------------------- codes of errors

const enumValues = <Code extends string>(descriptions: readonly (readonly [Code, string])[]) =>
  Object.fromEntries(descriptions.map(([code, description]) => [code, { description }])) as Record<Code, { readonly description: string }>;

const RETRIES = {
  never: 'Sent again as it is, it fails again.',
  later: 'It may be sent again later.',
  resume: 'Subscribe again after the last cursor seen.',
} as const;

builder.enumType('ErrorCode', {
  description: 'The values of `extensions.code` of an error.',
  values: enumValues(Object.entries(ERROR_CODES).map(([code, { description, retry }]) => [code, `${description} ${RETRIES[retry]}`])),
});

builder.enumType('FieldErrorCode', {
  description:
    'The values of `code` in each item of `extensions.fields`: `{ path, code, message, params }`, where `path` leads from the argument to the wrong value, and `params` holds the numbers and names that the message mentions.',
  values: enumValues(Object.entries(FIELD_ERROR_CODES)),
});
