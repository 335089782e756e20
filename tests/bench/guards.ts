/**
 * `npm run bench:guards`: what all guards cost together. One server counts everything and refuses nothing, the other counts nothing; they take turns with
 * the same requests. `--rounds=n` (5), `--seconds=n` of each turn (2), `--connections=n` (20).
 *
 * With: the rate limits, the budgets of operations and of cost by address and by viewer, bans, held refusals, the names of the host, the limits of sockets
 * and connections. In both, since no setting takes them away: the bounds of documents, what an operation costs, sign-in, rights, masked errors.
 */
import { loadavg } from 'node:os';
import { execute } from '../kit/client.js';
import { aGuest, aPost } from '../kit/factories.js';
import { apiAt } from '../kit/api.js';
import { startChild, type Child } from './child.js';
import { median, short, table } from './figures.js';
import type { QueryClient, Question } from './queries/client.js';
import type { LyceumServer } from './servers/lyceum.js';
import { createWorld, keepResults } from './world.js';

const option = (name: string, fallback: number): number =>
  Number(new RegExp(`--${name}=(\\d+)`).exec(process.argv.join(' '))?.[1] ?? fallback);
const [rounds, seconds, connections] = [option('rounds', 5), option('seconds', 2), option('connections', 20)];

/** Nobody reaches a limit that is multiplied by so much, and each is counted. */
const WITH = { RATE_LIMIT_FACTOR: '1000000', ALLOWED_HOSTS: '127.0.0.1', QUERY_CACHE_BYTES: '0' };
const WITHOUT = { RATE_LIMIT_FACTOR: '0', MAX_CONNECTIONS_PER_ADDRESS: '1000000', QUERY_CACHE_BYTES: '0' };

interface Turn {
  readonly perSecond: number;
  /** Of the server, in milliseconds of CPU. */
  readonly cpuMs: number;
}

const world = await createWorld();
try {
  const servers = { with: await world.lyceum({ env: WITH }), without: await world.lyceum({ env: WITHOUT }) };
  const urls = { with: await servers.with.call('url'), without: await servers.without.call('url') };
  const url = urls.without.replace(/^ws/, 'http');
  const guest = await aGuest(apiAt(url));
  const post = await aPost(apiAt(url), guest);
  const client = await startChild<QueryClient>('./queries/client.ts');

  const mine = { query: '{ me { id unreadCounts { messages notifications } user { id username displayName } } }' };
  const writing = ['likePost', 'unlikePost'].map((name) => ({
    query: `mutation ($id: ID!) { ${name}(input: { postId: $id }) { likeCount } }`,
    variables: { id: post.id },
  }));
  const REQUESTS: Readonly<Record<string, readonly Question[]>> = {
    'the smallest query, not signed in': [{ body: { query: '{ __typename }' }, token: null }],
    'a query, signed in': [{ body: mine, token: guest.token }],
    'a mutation, signed in': writing.map((body) => ({ body, token: guest.token })),
  };

  const turn = async (server: Child<LyceumServer>, at: string, questions: readonly Question[], forSeconds = seconds): Promise<Turn> => {
    await client.call('open', { url: at.replace(/^ws/, 'http'), questions, count: connections });
    const before = await server.call('cpu');
    const loaded = await client.call('load', { seconds: forSeconds, pattern: 'turn' });
    const after = await server.call('cpu');
    await client.call('close');
    if (loaded.refused > 0) throw new Error(`${loaded.refused} requests were refused.`);
    return { perSecond: loaded.requests / loaded.seconds, cpuMs: (after - before) / loaded.requests };
  };

  const rows: (readonly string[])[] = [['', 'with, 1/s', 'without, 1/s', 'ratio', 'with, CPU ms', 'without, CPU ms', 'ratio']];
  const figures: object[] = [];
  for (const [name, questions] of Object.entries(REQUESTS)) {
    const { errors } = await execute(
      url,
      (questions[0]?.body as { readonly query: string }).query,
      { id: post.id },
      { token: guest.token },
    );
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    const turns = { with: [] as Turn[], without: [] as Turn[] };
    const both = ['with', 'without'] as const;
    for (const which of both) await turn(servers[which], urls[which], questions, 1);
    for (let round = 0; round < rounds; round += 1)
      // Whoever comes first has the other's rest of work beside it.
      for (const which of round % 2 === 0 ? both : both.toReversed()) turns[which].push(await turn(servers[which], urls[which], questions));
    const of = (which: 'with' | 'without', what: keyof Turn): number => median(turns[which].map((each) => each[what]));
    const ratio = (what: keyof Turn): number =>
      median(turns.with.map((each, round) => each[what] / (turns.without[round]?.[what] ?? Number.NaN)));
    rows.push([
      name,
      short(of('with', 'perSecond')),
      short(of('without', 'perSecond')),
      short(ratio('perSecond')),
      short(of('with', 'cpuMs')),
      short(of('without', 'cpuMs')),
      short(ratio('cpuMs')),
    ]);
    figures.push({ name, turns });
  }
  await client.stop();
  const load = loadavg().map((each) => each.toFixed(1));
  console.log(
    `\nMedians of ${rounds} rounds of ${seconds} s, ${connections} requests at a time; the load of the machine was ${load.join(', ')}.\n`,
  );
  console.log(table(rows));
  await keepResults('guards', { rounds, seconds, connections, load, figures });
} finally {
  await world.close();
}
