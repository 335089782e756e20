/** Whose words a question is put in. */
export const DIALECTS = ['lyceum', 'postgraphile', 'mercurius', 'bare', 'yoga'] as const;
export type Dialect = (typeof DIALECTS)[number];

export interface Words {
  readonly query: string;
  /** The variables at place `n`: different ones give different answers. Left out: there is but one answer, or one for each viewer. */
  readonly variables?: (n: number, cursors: readonly string[]) => object;
  /** A query for the cursors of a list, where they cannot be known beforehand. */
  readonly cursors?: string;
}

export interface Read {
  readonly name: string;
  /** Whether somebody must be signed in. */
  readonly signedIn: boolean;
  /** How many different ones there are. */
  readonly variants: number;
  readonly words: Partial<Record<Dialect, Words>>;
}

export const VARIANTS = 64;

/** A node's id as Lyceum writes it. */
export const globalId = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');
/** A node's id as PostGraphile writes it. */
export const nodeId = (collection: string, id: string): string => Buffer.from(JSON.stringify([collection, id])).toString('base64');
