import { resolve } from 'node:path';
import { buildSchema, isAbstractType, isObjectType } from 'graphql';
import { format, resolveConfig } from 'prettier';
import { ERROR_CODES } from '../src/errors.js';

/** What a client wants to know of the contract beside its types, committed with it. */
export const CLIENT_FACTS_FILE = resolve(import.meta.dirname, '../src/client/facts.ts');

/** The text of that file for a schema. */
export const clientFacts = async (printed: string): Promise<string> => {
  const schema = buildSchema(printed, { assumeValid: true });
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const possible = Object.fromEntries(
    types.filter(isAbstractType).map((type) => [
      type.name,
      schema
        .getPossibleTypes(type)
        .map(({ name }) => name)
        .sort(),
    ]),
  );
  const embedded = types
    .filter((type) => isObjectType(type) && !roots.includes(type) && !('id' in type.getFields()))
    .map(({ name }) => name)
    .sort();
  const retries = Object.fromEntries(Object.entries(ERROR_CODES).map(([code, { retry }]) => [code, retry]));
  const text = `// Written by \`npm run schema:print\`.

/** Which types an interface stands for: \`possibleTypes\` of Apollo's InMemoryCache and of urql's graphcache. */
export const POSSIBLE_TYPES = ${JSON.stringify(possible)};

/** The types without an \`id\`, which a normalised cache keeps within what they belong to: \`keys\` of graphcache, \`keyFields: false\` of Apollo. */
export const EMBEDDED_TYPES: readonly string[] = ${JSON.stringify(embedded)};

/** Every code of an error (\`extensions.code\`), and what may be done about it: nothing, the same again later, or going on from the last cursor. */
export const ERROR_CODES = ${JSON.stringify(retries)} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
`;
  return await format(text, { ...(await resolveConfig(CLIENT_FACTS_FILE)), filepath: CLIENT_FACTS_FILE });
};
