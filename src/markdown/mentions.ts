import { rendered } from './render.js';

/** The usernames that a text mentions, as they are written: those of which its HTML makes links, so that nobody hears of what is not shown. */
export const mentionsIn = (source: string): readonly string[] =>
  source.includes('@') ? rendered(source, { mentions: true, plainly: true }).mentions : [];
