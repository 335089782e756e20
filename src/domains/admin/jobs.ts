import { Prisma } from '../../db/generated/prisma/client.js';
import { scheduledTask } from '../../jobs/task.js';
import { deleteUnusedGuests } from '../account/account.js';
import { isMemberSomewhere } from '../conversations/conversations.js';
import { likesSomething } from '../likes/likes.js';

export const adminTasks = [
  scheduledTask('admin.deleteUnusedGuests', '47 4 * * *', (services) =>
    deleteUnusedGuests(services, (userId) => Prisma.sql`${isMemberSomewhere(userId)} OR ${likesSomething(userId)}`),
  ),
];
