import type { PersonalTable } from '../../db/personal-data.js';
import { personalOfResults } from '../../graphql/personal.js';
import { personalOfAccount } from '../account/personal.js';
import { personalOfAudit } from '../audit/personal.js';
import { personalOfBlocks } from '../blocks/personal.js';
import { personalOfConversations } from '../conversations/personal.js';
import { personalOfFiles } from '../files/personal.js';
import { personalOfFollows } from '../follows/personal.js';
import { personalOfKnowledge } from '../knowledge/personal.js';
import { personalOfLikes } from '../likes/personal.js';
import { personalOfNotifications } from '../notifications/personal.js';
import { personalOfOperations } from '../operations/personal.js';
import { personalOfPosts } from '../posts/personal.js';
import { personalOfPresence } from '../presence/personal.js';

/** All tables that have to do with users. */
export const PERSONAL_TABLES: readonly PersonalTable[] = [
  ...personalOfAccount,
  ...personalOfPosts,
  ...personalOfKnowledge,
  ...personalOfConversations,
  ...personalOfLikes,
  ...personalOfFollows,
  ...personalOfBlocks,
  ...personalOfNotifications,
  ...personalOfPresence,
  ...personalOfOperations,
  ...personalOfFiles,
  ...personalOfAudit,
  ...personalOfResults,
];
