import { printSchema, lexicographicSortSchema, type GraphQLSchema } from 'graphql';
import { builder } from './builder.js';
import './topic-field.js';
import './domains/account/schema.js';
import './domains/conversations/schema.js';
import './domains/follows/schema.js';
import './domains/knowledge/schema.js';
import './domains/posts/schema.js';
import './domains/presence/schema.js';

/** The whole schema: every domain adds its part to the builder when it is loaded. */
export const schema: GraphQLSchema = builder.toSchema();

/** The schema as it is committed: in SDL, sorted. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`;
