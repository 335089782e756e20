/**
 * PostGraphile 5 as it comes, over the tables of Lyceum. It needs a newer Node than Lyceum, which runs this file without tsx, and stands in a
 * folder of its own (`BENCH_PEERS`), so it is found by path.
 */
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface PostGraphile {
  readonly createServ: (grafserv: unknown) => { readonly addTo: (server: Server) => Promise<void> };
}

const require = createRequire(join(process.env['BENCH_PEERS'] ?? '', 'package.json'));
const { postgraphile } = require('postgraphile') as { readonly postgraphile: (preset: object) => PostGraphile };
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber') as { readonly PostGraphileAmberPreset: object };
const { makePgService } = require('postgraphile/adaptors/pg') as { readonly makePgService: (options: object) => object };
const { grafserv } = require('postgraphile/grafserv/node') as { readonly grafserv: unknown };

const server = createServer();
const serving = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: process.env['DATABASE_URL'], schemas: ['public'], poolConfig: { max: 10 } })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, websockets: false, watch: false },
  // It would hide conditions on columns without an index of their own, such as `deletedAt`.
  disablePlugins: ['PgIndexBehaviorsPlugin'],
}).createServ(grafserv);
await serving.addTo(server);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`));
