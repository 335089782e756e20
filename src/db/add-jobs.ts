import { Prisma } from './generated/prisma/client.js';

/** A job as graphile-worker's `add_jobs` takes it. */
export interface JobSpec {
  readonly identifier: string;
  readonly payload: object;
  readonly job_key: string | null;
  readonly run_at: Date | null;
}

/**
 * Writes the jobs in one statement: first those without a key, then those with one in the order of their keys. Keyed jobs lock rows, and
 * the fixed order prevents deadlocks. When a worker takes a job of the same key during the statement, graphile-worker does not add the new
 * job; the call is then repeated and sees the running job.
 */
export const addJobs = async (
  client: Pick<Prisma.TransactionClient, '$queryRaw'>,
  schema: string,
  jobs: readonly JobSpec[],
): Promise<void> => {
  if (jobs.length === 0) return;
  // eslint-disable-next-line no-restricted-syntax -- the name of a schema, from the configuration
  const queue = Prisma.raw(`"${schema}"`);
  const keyless = jobs.filter((job) => job.job_key === null);
  let batches = [...(keyless.length > 0 ? [keyless] : []), ...oneOfEachKey(jobs).map((job) => [job])];
  while (batches.length > 0) {
    const added = await client.$queryRaw<{ readonly key: string | null }[]>`
      SELECT added.key
      FROM (SELECT specs FROM json_array_elements(${JSON.stringify(batches)}::json) WITH ORDINALITY AS given(specs, ordinal) ORDER BY ordinal) batch
      CROSS JOIN LATERAL ${queue}.add_jobs(ARRAY(SELECT json_populate_recordset(null::${queue}.job_spec, specs)), job_key_preserve_run_at => true) added`;
    const keys = new Set(added.map(({ key }) => key));
    batches = batches.filter(([job]) => job !== undefined && job.job_key !== null && !keys.has(job.job_key));
  }
};

/** The last job of each key, at the earliest time of that key, in the order of the keys. */
const oneOfEachKey = (jobs: readonly JobSpec[]): readonly JobSpec[] => {
  const keyed = new Map<string, JobSpec>();
  for (const job of jobs) if (job.job_key !== null) keyed.set(job.job_key, { ...job, run_at: (keyed.get(job.job_key) ?? job).run_at });
  return [...keyed].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, job]) => job);
};
