import { Prisma, type Operation } from '../../db/generated/prisma/client.js';
import { HEAD_VERSION, joinHead } from '../../realtime/event-log.js';
import { stateTopic, type StateValue } from '../../realtime/topic.js';

/** An operation as whoever asked for it sees it. */
export type OperationValue = StateValue &
  Pick<Operation, 'id' | 'userId' | 'kind' | 'state' | 'done' | 'total' | 'detail' | 'fileId' | 'createdAt' | 'endedAt'>;

/** How far each operation is, keyed by its id. */
export const operationTopic = stateTopic<OperationValue>('operation', async (prisma, ids) => {
  const rows = await prisma.$queryRaw<OperationValue[]>`
    SELECT operation.id, user_id AS "userId", kind, state::text AS state, done, total, detail, file_id AS "fileId", created_at AS "createdAt",
      ended_at AS "endedAt", ${HEAD_VERSION} AS version
    FROM operation ${joinHead('operation', Prisma.sql`operation.id::text`)}
    WHERE operation.id = ANY(${[...ids]}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row]));
});
