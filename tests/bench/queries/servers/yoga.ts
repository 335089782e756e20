/** Yoga with nothing around it, for what the library itself costs. */
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { tell } from './serving.js';

const yoga = createYoga({
  schema: createSchema({ typeDefs: 'type Query { hello: String }' }),
  graphiql: false,
  landingPage: false,
  logging: false,
});
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => tell(server));
