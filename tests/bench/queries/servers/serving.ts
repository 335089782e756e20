/** What the servers that are compared have in common: their pool, and who is signed in. */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

// As many connections as a process of Lyceum has.
export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

/** Runs a statement that the database prepares once for each connection. */
export const rowsOf = async <Row extends object>(name: string, text: string, values: unknown[] = []): Promise<Row[]> =>
  (await pool.query<Row>({ name, text, values })).rows;

interface Claims {
  readonly sub: string;
  readonly sid: string;
  /** In seconds. */
  readonly exp: number;
}

const keyFile = process.env['BENCH_KEY'];
const publicKey = keyFile === undefined ? null : createPublicKey(readFileSync(keyFile, 'utf8'));
/** As Lyceum does: the signature of a token is verified once, its age at each use. */
const verified = new Map<string, Claims>();

const claimsOf = (token: string): Claims => {
  const known = verified.get(token);
  if (known !== undefined) return known;
  const [head = '', body = '', signature = ''] = token.split('.');
  if (publicKey === null || !verify(null, Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url')))
    throw new Error('The token is not valid.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Claims;
  verified.set(token, claims);
  return claims;
};

export interface Viewer {
  readonly id: string;
  readonly role: string;
}

/** Who asks, by a header such as Lyceum takes it: the session is looked up for each request. Null without one. */
export const viewerBy = async (authorization: string | undefined): Promise<Viewer | null> => {
  if (authorization === undefined) return null;
  const { sub, sid, exp } = claimsOf(authorization.slice('Bearer '.length));
  if (exp * 1_000 <= Date.now()) throw new Error('The token has expired.');
  const [viewer] = await rowsOf<Viewer>(
    'viewer',
    `SELECT "user".id, "user".role::text FROM session JOIN "user" ON "user".id = session.user_id
     WHERE session.id = $1 AND session.user_id = $2 AND session.revoked_at IS NULL AND session.expires_at > now()`,
    [sid, sub],
  );
  if (viewer === undefined) throw new Error('The session has ended.');
  return viewer;
};

/** Says where a server listens: its parent waits for the line. */
export const tell = (server: Server): void => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
