import type { Api } from './api.js';
import type { TestUser } from './app.js';
import type { TypedText } from './graphql.js';

let addresses = 0;

/** An address from which nobody has come yet. Servers that trust their proxy (TRUST_PROXY) take it for that of who asks. */
export const newAddress = (): string => `10.${Math.floor((addresses += 1) / 250)}.${addresses % 250}.1`;

/** What came of an operation: its data, or the first of its errors. */
export interface Outcome<Data = unknown> {
  readonly data: Data | null | undefined;
  readonly code: unknown;
  readonly reason: unknown;
  readonly message: string | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Asks from an address; null for that of the test itself. */
export const askFrom = async <Data>(
  app: Pick<Api, 'execute'>,
  address: string | null,
  document: TypedText<Data, never>,
  input: object,
  as?: TestUser,
): Promise<Outcome<Data>> => {
  const headers = { ...(address === null ? {} : { 'x-forwarded-for': address }), ...(as ? { authorization: `Bearer ${as.token}` } : {}) };
  const { data, errors } = await app.execute<Data>(document.toString(), { input }, { headers });
  const [error] = errors ?? [];
  const extensions = error?.extensions ?? {};
  return { data, code: extensions['code'], reason: extensions['reason'], message: error?.message, extensions };
};
