/**
 * PostGraphile 5 as it comes, over the tables of Lyceum and the functions of `functions.ts`. It needs a newer Node than Lyceum and stands in a
 * folder of its own (`BENCH_PEERS`), so it is found by path.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tell, viewerBy } from './serving.js';

interface PostGraphile {
  readonly createServ: (grafserv: unknown) => { readonly addTo: (server: Server) => Promise<void> };
}

const require = createRequire(join(process.env['BENCH_PEERS'] ?? '', 'package.json'));
const { postgraphile } = require('postgraphile') as { readonly postgraphile: (preset: object) => PostGraphile };
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber') as { readonly PostGraphileAmberPreset: object };
const { makePgService } = require('postgraphile/adaptors/pg') as { readonly makePgService: (options: object) => object };
const { grafserv } = require('postgraphile/grafserv/node') as { readonly grafserv: unknown };

/** Where PostGraphile keeps the request of an operation. */
interface RequestContext {
  readonly node?: { readonly req: IncomingMessage };
}

const server = createServer();
const serving = postgraphile({
  extends: [PostGraphileAmberPreset],
  // It would hide conditions on columns without an index of their own, such as `deletedAt`.
  disablePlugins: ['PgIndexBehaviorsPlugin'],
  pgServices: [makePgService({ connectionString: process.env['DATABASE_URL'], schemas: ['public'], poolConfig: { max: 10 } })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, websockets: false, watch: false },
  grafast: {
    context: async ({ node }: RequestContext) => {
      const viewer = await viewerBy(node?.req.headers.authorization);
      return viewer === null ? {} : { pgSettings: { 'bench.viewer': viewer.id } };
    },
  },
}).createServ(grafserv);
await serving.addTo(server);
server.listen(0, '127.0.0.1', () => tell(server));
