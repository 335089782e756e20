import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import { removeEndedFiles } from './files.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfFiles: readonly PersonalTable[] = [
  {
    table: 'stored_file',
    exported: {
      name: 'files',
      title: 'Files of yours',
      columns: Prisma.sql`id, name, media_type AS "mediaType", size, created_at AS "createdAt", expires_at AS "expiresAt"`,
      from: Prisma.sql`stored_file`,
      of: (userId) => Prisma.sql`owner_id = ${userId}`,
      order: [[Prisma.sql`id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
];

/** Removes the files of the viewer. */
export const eraseFiles = async (context: Context): Promise<void> => {
  await context.db.prisma.storedFile.updateMany({ where: { ownerId: viewerOf(context).id }, data: { ownerId: null } });
  await removeEndedFiles(context);
};
