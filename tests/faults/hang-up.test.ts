import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectWork } from '../kit/waiting-field.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { openRawSocket, type RawSocket } from '../kit/raw-socket.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const WAITING = 'query ($name: String!) { waiting(name: $name) }';

const acknowledged = async (): Promise<RawSocket> => {
  const raw = await openRawSocket(app.url);
  raw.send({ type: 'connection_init' });
  expect(await raw.next()).toMatchObject({ type: 'connection_ack' });
  return raw;
};

describe('work for a client is told that nobody waits for it any more', () => {
  const JSON_BODY = { 'content-type': 'application/json' };
  const requests: Readonly<Record<string, (name: string, signal: AbortSignal) => Promise<Response>>> = {
    'a POST': (name, signal) =>
      fetch(app.url, { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ query: WAITING, variables: { name } }), signal }),
    'a POST for an event stream': (name, signal) =>
      fetch(app.url, {
        method: 'POST',
        headers: { ...JSON_BODY, accept: 'text/event-stream' },
        body: JSON.stringify({ query: WAITING, variables: { name } }),
        signal,
      }),
    'a GET': (name, signal) =>
      fetch(`${app.url}?${new URLSearchParams({ query: WAITING, variables: JSON.stringify({ name }) }).toString()}`, { signal }),
  };
  for (const [what, ask] of Object.entries(requests)) {
    it(`when ${what} is given up`, async () => {
      const work = expectWork(what);
      const client = new AbortController();
      const answer = ask(what, client.signal).catch(() => 'given up');
      await work.begun;
      client.abort();
      await work.aborted;
      expect(await answer).toBe('given up');
    });
  }

  it('when a socket completes the operation, which is then answered nothing', async () => {
    const work = expectWork('completed');
    const raw = await acknowledged();
    raw.send({ type: 'subscribe', id: '1', payload: { query: WAITING, variables: { name: 'completed' } } });
    await work.begun;
    raw.send({ type: 'complete', id: '1' });
    await work.aborted;
    raw.send({ type: 'subscribe', id: '2', payload: { query: '{ __typename }' } });
    expect(await raw.next()).toMatchObject({ id: '2', type: 'next' });
    raw.socket.close();
  });

  it('when a socket is closed or cut', async () => {
    for (const end of ['close', 'terminate'] as const) {
      const work = expectWork(end);
      const raw = await acknowledged();
      raw.send({ type: 'subscribe', id: '1', payload: { query: WAITING, variables: { name: end } } });
      await work.begun;
      raw.socket[end]();
      await work.aborted;
    }
  });

  it('and no other work of the same socket is', async () => {
    const [one, other] = [expectWork('one'), expectWork('other')];
    const raw = await acknowledged();
    for (const name of ['one', 'other']) raw.send({ type: 'subscribe', id: name, payload: { query: WAITING, variables: { name } } });
    await Promise.all([one.begun, other.begun]);
    raw.send({ type: 'complete', id: 'one' });
    await one.aborted;
    let isOtherAborted = false;
    void other.aborted.then(() => (isOtherAborted = true));
    raw.send({ type: 'subscribe', id: '3', payload: { query: '{ __typename }' } });
    expect(await raw.next()).toMatchObject({ id: '3', type: 'next' });
    expect(isOtherAborted).toBe(false);
    raw.socket.close();
    await other.aborted;
  });
});
