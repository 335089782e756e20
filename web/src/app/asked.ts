import type { DocumentNode } from 'graphql';
import { stringifyDocument } from 'urql';

type Load = () => Promise<readonly DocumentNode[]>;

const inPages = import.meta.glob<readonly DocumentNode[]>('../pages/*/operations.ts', { import: 'operations' });
const inFrame = import.meta.glob<readonly DocumentNode[]>(['./operations.ts', './*/operations.ts', '../api/operations.ts'], {
  import: 'operations',
});

export interface Screen {
  /** The name of its folder in `pages/`; `app` and `api` for what every page asks, `app/posts` and its like for what several do. */
  readonly name: string;
  /** The operations that it asks, as they are sent. */
  readonly load: () => Promise<readonly string[]>;
}

const screenOf = ([file, load]: readonly [string, Load]): Screen => ({
  name: file
    .replace(/^\.\//, 'app/')
    .replace(/^(\.\.\/)(pages\/)?/, '')
    .replace(/\/operations\.ts$/, ''),
  load: async () => (await load()).map(stringifyDocument),
});

/** Every screen of the client, and what it asks, for the page that tells developers. */
export const SCREENS: readonly Screen[] = [...Object.entries(inFrame), ...Object.entries(inPages)].map(screenOf);
