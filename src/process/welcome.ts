import { resolve } from 'node:path';
import type { Config } from '../config.js';
import { DEMO_PASSWORD } from '../demo/users.js';

const FIRST_QUERY = '{ entries(first: 10, filter: {category: "technical"}) { edges { node { id title author { username } } } } }';

const signIn = ({
  graphiql,
}: Config): string => `Sign in as one of the demo users (ada, ben, chloe, ...; admin is the administrator)${graphiql ? ": with GraphiQL's button, or by" : ':'}

  mutation { login(input: {identifier: "ada", password: "${DEMO_PASSWORD}"}) { credentials { accessToken } } }`;

/** What stands first where nobody is yet. */
const comeFirst = (link: string): string => `There are no users yet. The first administrator makes their account here, once:

  ${link}

`;

const REGISTER = `Make an account:

  mutation { register(input: {username: "NAME", email: "NAME@example.com", password: "..."}) { credentials { accessToken } } }`;

/** Where the data lies, without the password that a database's address may hold. */
const database = ({ database: { url }, dataDir }: Config): string => {
  if (url === null) return `${resolve(dataDir)} (embedded PostgreSQL)`;
  const { host, pathname } = new URL(url);
  return `${host}${pathname} (PostgreSQL)`;
};

/**
 * What the terminal shows when the server is ready: where everything is, and what to paste first.
 * @param url of GraphQL, as a browser opens it
 * @param firstLink where the first administrator makes their account; null when there are users
 */
export const welcome = (url: string, config: Config, firstLink: string | null): string => `
Lyceum is ready.

${firstLink === null ? '' : comeFirst(firstLink)}${config.webClient ? `  Lyceum    ${new URL('/', url).href}  (open it in a browser)\n` : ''}  GraphiQL  ${url}
  Data      ${database(config)}

Ask something:

  ${FIRST_QUERY}

${config.demoData ? signIn(config) : REGISTER}

and send the token in a header, which GraphiQL has an editor for: {"authorization": "Bearer <accessToken>"}
`;
