import { createContext, use, useSyncExternalStore, type ReactNode } from 'react';
import { Provider } from 'urql';
import type { Api, ApiSource } from './api.js';
import type { ConnectionState } from './connection.js';
import { tokens } from './session.js';

const ApiContext = createContext<Api | null>(null);

/** The id of the user who is signed in, in this tab or in another of the browser; null for a visitor. */
export const useOwner = (): string | null => useSyncExternalStore(tokens.onOwner, tokens.owner);

/** Gives the pages what they ask through. They begin anew whenever somebody signs in or out. */
export const ApiProvider = ({ source, children }: { readonly source: ApiSource; readonly children: ReactNode }) => {
  const api = useSyncExternalStore(source.onChange, source.present);
  const owner = useOwner();
  return (
    <ApiContext value={api}>
      <Provider value={api.client} key={owner}>
        {children}
      </Provider>
    </ApiContext>
  );
};

const useApi = (): Api => {
  const api = use(ApiContext);
  if (!api) throw new Error('There is no ApiProvider.');
  return api;
};

/** How often something was refused because there are other terms. */
export const useTermsRefusals = (): number => {
  const { terms } = useApi();
  return useSyncExternalStore(terms.onChange, terms.refusals);
};

/** How the live connection is, how often it has come back, and how many events were waiting when it did last. */
export const useConnection = (): { readonly state: ConnectionState; readonly returns: number; readonly missed: number } => {
  const { state, returns, missed, onChange } = useApi().connection;
  return {
    state: useSyncExternalStore(onChange, state),
    returns: useSyncExternalStore(onChange, returns),
    missed: useSyncExternalStore(onChange, missed),
  };
};
