import { createContext, use, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { useOwner } from '../api/api-provider.js';
import type { ShellViewerQuery } from '../gql/graphql.js';
import { ShellViewer } from './operations.js';

export type Viewer = NonNullable<ShellViewerQuery['me']>;

const ViewerContext = createContext<Viewer | null>(null);

/** Asks once who is signed in, for the frame and for every page. */
export const ViewerProvider = ({ children }: { readonly children: ReactNode }) => {
  const owner = useOwner();
  const [{ data }] = useQuery({ query: ShellViewer, pause: owner === null });
  return <ViewerContext value={owner === null ? null : (data?.me ?? null)}>{children}</ViewerContext>;
};

/** Who is signed in; null for a visitor, and until it is known. Whether somebody is, `useOwner` knows at once. */
export const useViewer = (): Viewer | null => use(ViewerContext);
