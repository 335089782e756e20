import { update, type AreaOfCache } from './area.js';
import { forgetList } from './lists.js';

/** Alerts: there are few, so one that comes has their list read anew where it is shown. */
export const alertsInCache: AreaOfCache = {
  updates: {
    Subscription: {
      securityAlertAdded: update<object>((_result, _args, cache) => forgetList(cache, 'Query', 'securityAlerts')),
    },
  },
};
