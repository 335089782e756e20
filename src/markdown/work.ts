import type { Destination } from './destinations.js';

/** What can be done with a text. */
export interface Works {
  readonly html: { readonly ask: { readonly mentions: boolean; readonly plainly?: boolean }; readonly answer: string };
  /** The usernames that it mentions. */
  readonly mentions: { readonly ask: object; readonly answer: readonly string[] };
  readonly destinations: { readonly ask: object; readonly answer: readonly Destination[] };
  readonly firstHeading: { readonly ask: object; readonly answer: string | null };
}

export type Kind = keyof Works;

/** What a thread is asked. */
export type Question<K extends Kind = Kind> = { readonly kind: K; readonly source: string } & Works[K]['ask'];

/** What a thread says: once that it is ready, and by what number the system knows it; then an answer for each question, or the error. */
export type Reply =
  | { readonly kind: 'ready'; readonly threadId: number | null }
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly message: string };
