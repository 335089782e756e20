import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import { setReachability, type Reachability } from '../account/account.js';
import { rightsLog } from '../account/topics.js';
import { followeeKeysOf } from '../follows/follows.js';
import { setVisibility, type VisibilityChange } from '../presence/presence.js';

export interface Privacy extends Reachability, Omit<VisibilityChange, 'visibleTo'> {
  readonly presenceVisibleTo?: VisibilityChange['visibleTo'];
}

/** Sets what others may do and see of the viewer; what is left out stays. */
export const updatePrivacy = async (context: Context, { presenceVisibleTo, ...privacy }: Privacy): Promise<void> => {
  const { id } = viewerOf(context);
  await context.db.transact(async (tx) => {
    await setReachability(tx, id, privacy);
    const { isChanged, isMoved } = await setVisibility(tx, id, { ...privacy, visibleTo: presenceVisibleTo });
    if (isChanged) tx.emit(rightsLog, id, 'VisibilityChanged', null);
    // Those who are shown more than others follow another stream, and so does the viewer. Whom they begin to follow later is told then.
    if (isMoved) tx.emitEach(rightsLog, followeeKeysOf(id), 'VisibilityChanged', null, null);
  });
};
