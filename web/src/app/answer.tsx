import { useEffect, type ReactNode } from 'react';
import type { UseQueryResponse, AnyVariables } from 'urql';
import { failureOf, namesNothing } from '../api/failure.js';
import { ErrorNotice } from '../design/error-notice.js';
import { Skeleton } from '../design/skeleton.js';

interface AnswerProps<Data, Variables extends AnyVariables> {
  /** What `useQuery` gave: `const answer = useQuery({ query, variables })`. */
  readonly of: UseQueryResponse<Data, Variables>;
  readonly children: (data: Data, isFetching: boolean) => ReactNode;
  /** What keeps the place until the first answer. */
  readonly loading?: ReactNode;
  /** What stands in the place of something whose address names nothing. */
  readonly missing?: ReactNode;
}

/** The states of a query: loading, failed (with a way to try again, which the return of the network is too), and its data, beside which a later failure is told. */
export const Answer = <Data, Variables extends AnyVariables>({ of, children, loading, missing }: AnswerProps<Data, Variables>) => {
  const [{ data, error, fetching, stale }, again] = of;
  const failure = failureOf(error);
  const retry = (): void => again({ requestPolicy: 'network-only' });
  const wasOffline = failure?.code === 'OFFLINE';
  useEffect(() => {
    if (!wasOffline) return;
    const onOnline = (): void => again({ requestPolicy: 'network-only' });
    addEventListener('online', onOnline);
    return () => removeEventListener('online', onOnline);
  }, [wasOffline, again]);
  if (missing !== undefined && failure !== null && namesNothing(failure)) return missing;
  if (data === undefined) {
    if (failure) return <ErrorNotice failure={failure} onRetry={retry} />;
    return loading ?? <Skeleton />;
  }
  return (
    <>
      {failure && <ErrorNotice failure={failure} onRetry={retry} />}
      {children(data, fetching || stale)}
    </>
  );
};
