import type { Context } from '../../context.js';
import { createOnce } from '../../db/client-id.js';
import type { Announcement } from '../../db/generated/prisma/client.js';
import { viewerOf } from '../../access/viewer.js';
import { announcementLog, EVERYONE } from './topics.js';

/** Publishes an announcement: one row and one event. @throws CONFLICT for a `clientId` used with other input */
export const announce = async (
  context: Context,
  input: { readonly text: string; readonly clientId?: string | null | undefined },
): Promise<Announcement> => {
  const { prisma, transact } = context.db;
  const authorId = viewerOf(context).id;
  return await createOnce(
    input.clientId,
    { ...input },
    (clientId) => prisma.announcement.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    async (key) => {
      const { announcement, event } = await transact(async (tx) => {
        const written = await tx.announcement.create({ data: { text: input.text, authorId, ...key } });
        tx.audit('announce', { type: 'Announcement', id: written.id });
        return { announcement: written, event: tx.emit(announcementLog, EVERYONE, 'AnnouncementAdded', { announcementId: written.id }) };
      });
      // The projection has written `seq` and the time into the row.
      return { ...announcement, seq: event.seq, createdAt: event.at };
    },
  );
};
