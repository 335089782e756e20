import { AUTHOR, AUTHOR_OR_MODERATOR, rulesOf } from '../../access/rules.js';

/*
 * Posts are public, also to users whom the author has blocked. Such users may not comment on the post, nor reply to comments of a user from
 * whom a block separates them. Their likes count, but nobody is notified of them. Comments from before the block stay, and their authors
 * may edit and delete them.
 */

/** What may be done with a post or a comment. */
export const can = rulesOf({ edit: AUTHOR, delete: AUTHOR_OR_MODERATOR });
