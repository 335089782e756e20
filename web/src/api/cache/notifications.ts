import type { AreaOfCache } from './area.js';

/** What changes the notifications of the viewer. */
export const notificationUpdates: AreaOfCache = {};
