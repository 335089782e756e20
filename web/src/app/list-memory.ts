import { tokens } from '../api/session.js';
import { tabStorage } from '../api/storage.js';
import type { ListMemory } from '../design/flow-list.js';
import { isComingBack } from './kept-scroll.js';

interface Kept {
  readonly count: number;
  readonly snapshot: unknown;
}

const KEY = 'lyceum:lists';
const kept = new Map<string, Kept>();
try {
  for (const [name, list] of JSON.parse(tabStorage.getItem(KEY) ?? '[]') as [string, Kept][]) kept.set(name, list);
} catch {
  // Nothing was kept.
}
const write = (): boolean => tabStorage.setItem(KEY, JSON.stringify([...kept].slice(-20)));

/** How many of a list were read when the browser left it; so many are asked for at once when the page is loaded again. */
export const keptCount = (name: string, { least, most }: { readonly least: number; readonly most: number }): number =>
  Math.min(most, Math.max(least, kept.get(name)?.count ?? 0));

const memories = new Map<string, ListMemory>();
// Names tell what somebody has looked for.
tokens.onOwner(() => {
  memories.clear();
  kept.clear();
  tabStorage.removeItem(KEY);
});

/** The memory of a list: what it gives back when its address is come back to, by the browser's buttons or by loading the page again. */
export const listMemory = (name: string): ListMemory => {
  let memory = memories.get(name);
  if (!memory) {
    const owner = tokens.owner();
    memory = {
      recall: (count) => {
        const list = isComingBack() ? kept.get(name) : undefined;
        return list?.count === count ? (list.snapshot as ReturnType<ListMemory['recall']>) : undefined;
      },
      keep: (count, snapshot) => {
        // The list is left because they have signed out.
        if (tokens.owner() !== owner) return;
        kept.delete(name);
        kept.set(name, { count, snapshot });
        write();
      },
    };
    memories.set(name, memory);
  }
  return memory;
};
