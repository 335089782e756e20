import type { View } from './ledger.js';

/** Somebody who follows every stream, in one of the ways that there are. */
export interface Reader {
  readonly name: string;
  readonly views: readonly View[];
  /** Breaks its connections without a word. */
  readonly cut: () => void;
  readonly stop: () => Promise<void>;
}
