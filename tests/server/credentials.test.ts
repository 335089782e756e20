import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';

const WhoAmI = graphql(`
  query WhoAmI {
    me {
      user {
        username
      }
    }
  }
`);

/** Authorization headers, as a function of a token that is good. */
const GOOD = {
  usual: (token: string) => `Bearer ${token}`,
  'in another case': (token: string) => `bearer ${token}`,
  'with more spaces': (token: string) => `Bearer   ${token}`,
};
const BAD = {
  'another scheme': () => 'Basic x',
  'no token': () => 'Bearer',
  'the token alone': (token: string) => token,
  'two tokens': (token: string) => `Bearer ${token} ${token}`,
  'a token that is none': () => 'Bearer x',
  nothing: () => '',
};

describe('a credential', () => {
  let app: TestApp;
  let ada: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    ada = await app.user('ada');
  });
  afterAll(() => app.stop());

  const byHttp = async (authorization: string): Promise<unknown> => {
    const { data, errors } = await app.execute(WhoAmI, {}, { headers: { authorization } });
    return data?.me?.user.username ?? errors?.[0]?.extensions?.['reason'];
  };
  const bySse = async (authorization: string): Promise<unknown> => {
    const response = await fetch(app.url, {
      method: 'POST',
      headers: { authorization, accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query: WhoAmI }),
    });
    const text = await response.text();
    return /"username":"(\w+)"/.exec(text)?.[1] ?? /"reason":"(\w+)"/.exec(text)?.[1];
  };
  const bySocket = (authorization: string): Promise<unknown> =>
    new Promise((resolve) => {
      const client = createClient({
        url: app.url.replace(/^http/, 'ws'),
        webSocketImpl: WebSocket,
        lazy: false,
        retryAttempts: 0,
        connectionParams: { Authorization: authorization },
        onNonLazyError: () => undefined,
        on: {
          connected: (_socket, payload) => {
            resolve((payload as { viewer: { username: string } }).viewer.username);
            void client.dispose();
          },
          closed: (event) => resolve((event as { code: number }).code),
        },
      });
    });

  it.each(Object.entries(GOOD))('%s is one on every transport', async (_name, of) => {
    const header = of(ada.token);
    expect([await byHttp(header), await bySse(header), await bySocket(header)]).toEqual(['ada', 'ada', 'ada']);
  });

  it.each(Object.entries(BAD))('%s is none on every transport', async (_name, of) => {
    const header = of(ada.token);
    expect([await byHttp(header), await bySse(header), await bySocket(header)]).toEqual(['invalid', 'invalid', 4401]);
  });
});
