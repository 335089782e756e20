import type { ReadPersonQuery } from '../../gql/graphql.js';

/** Whom the page is about. */
export type Person = NonNullable<ReadPersonQuery['user']>;
