import type { TestDatabase } from './database.js';

/** A statement as it was sent, with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly params: unknown[];
}

/** What PostgreSQL tells of a node of a plan that it has run. */
export interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** The scans of tables and indexes by which these statements are answered: each is run once more. */
export const scansOf = async (database: Pick<TestDatabase, 'query'>, statements: readonly Statement[]): Promise<readonly Plan[]> => {
  const scans: Plan[] = [];
  for (const { sql, params } of statements) {
    const rows = await database.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${sql}`, params);
    scans.push(...rows.flatMap((row) => row['QUERY PLAN']).flatMap(({ Plan: plan }) => nodesOf(plan)));
  }
  return scans.filter((scan) => scan['Relation Name'] !== undefined || scan['Index Name'] !== undefined);
};

/** How many rows scans have read, those in vain included. */
export const rowsOf = (scans: readonly Plan[]): number =>
  scans.reduce(
    (sum, scan) =>
      sum +
      scan['Actual Loops'] * (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0) + (scan['Rows Removed by Index Recheck'] ?? 0)),
    0,
  );
