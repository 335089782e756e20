import { useEffect, useRef, useState } from 'react';
import { useClient, type AnyVariables, type DocumentInput } from 'urql';
import { failureOf, type Failure } from './failure.js';

interface LiveOptions<Data, Variables extends AnyVariables> {
  readonly query: DocumentInput<Data, Variables>;
  /** Null while it is not known yet where to begin, or nothing is to be followed. */
  readonly variables: Variables | null;
  /**
   * What the subscription is about: the id of a conversation, a post. The cursor in `variables` is where it begins, as the list was first read; from there on
   * the client moves it along by itself, so another cursor does not begin it anew, but another subject does.
   */
  readonly about: string;
  /** What an event does beside what `api/cache/` does with it. */
  readonly onEvent?: (data: Data) => void;
  /** The cursor has expired: read the list again (`network-only`), and give its new cursor. */
  readonly onExpired?: () => void;
}

/**
 * Follows a subscription for as long as the component is there. What it brings goes through the cache: objects that it carries are shown anew wherever they
 * stand, and lists are kept by `updates.Subscription` of `api/cache/`.
 * @returns why it ended, when it did; null while it goes on
 */
export const useLive = <Data, Variables extends AnyVariables>(options: LiveOptions<Data, Variables>): Failure | null => {
  const client = useClient();
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const { about, variables } = options;
  const beginning = JSON.stringify(variables);
  /** The variables whose cursor has expired: until the page has others there is nowhere to begin. */
  const [expired, setExpired] = useState<string | null>(null);
  const isReady = variables !== null && beginning !== expired;
  const [ended, setEnded] = useState<Failure | null>(null);

  useEffect(() => {
    const { query, variables: from } = latest.current;
    if (!isReady || from === null) return;
    const following = client.subscription<Data, Variables>(query, from).subscribe(({ data, error }) => {
      const failure = failureOf(error);
      if (failure?.code === 'CURSOR_EXPIRED' && latest.current.onExpired) {
        setExpired(JSON.stringify(from));
        latest.current.onExpired();
      } else setEnded(failure);
      if (data !== undefined) latest.current.onEvent?.(data);
    });
    return () => following.unsubscribe();
  }, [client, about, isReady]);
  return ended;
};
