import type { Requester } from './db/requester.js';
import { addressKey } from './access/address.js';
import type { Config } from './config.js';
import type { Clock } from './clock.js';
import type { Database } from './db/database.js';
import type { Role } from './db/generated/prisma/client.js';
import type { Actor } from './db/transact.js';
import type { FileStore } from './integrations/file-store.js';
import type { Mailer } from './integrations/mail.js';
import type { Issuers } from './integrations/openid.js';
import type { Destination } from './markdown/destinations.js';
import type { Visit } from './observability/access-log.js';
import type { Log } from './observability/log.js';
import type { MasterKey } from './access/master-key.js';
import type { RateLimits } from './access/rate-limits.js';
import type { Scope } from './access/scopes.js';
import type { PasswordStrength } from './access/password-strength/password-strength.js';
import type { SecretDigest } from './access/secret-digest.js';
import type { Position } from './realtime/cursor.js';
import type { Hub } from './realtime/hub.js';

/** Who asks. */
export interface Viewer {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
}

/** How somebody has shown who they are. */
export type Via =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'apiKey'; readonly apiKeyId: string }
  /** By a token of an issuer, in which they have this identity. */
  | { readonly kind: 'issuer'; readonly identityId: string; readonly issuedAt: Date };

/** The same, as the audit keeps it. */
const meansOf = (via: Via): Actor['via'] => {
  switch (via.kind) {
    case 'session':
      return { kind: 'SESSION', id: via.sessionId };
    case 'apiKey':
      return { kind: 'API_KEY', id: via.apiKeyId };
    case 'issuer':
      return { kind: 'ISSUER', id: via.identityId };
  }
};

/** What a credential allows of all that its user may do: all of it, as a session does, or only what these scopes name. */
export type Scopes = 'ALL' | readonly Scope[];

/** Who is asking, how they have shown it, for which of their rights, and until when it is valid. */
export interface Principal {
  /** With no more of their role than the scopes, and a second factor where the operator requires one, allow. */
  readonly viewer: Viewer;
  /** Whether the role is less than theirs for want of a second factor. */
  readonly lacksFactor: boolean;
  readonly via: Via;
  readonly scopes: Scopes;
  readonly expiresAt: Date;
  /** The `seq` of the viewer's rights log when this was looked up: all earlier changes of rights are reflected in it. */
  readonly asOf: Position;
}

/** An access token and when it ends. */
export interface AccessToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Signs the tokens that the account domain hands out. */
export interface TokenIssuer {
  readonly issue: (subject: { readonly userId: string; readonly sessionId: string }) => Promise<AccessToken>;
}

/** Who types where, as far as a process has heard: a short memory, nothing is kept. */
export interface TypingMemory {
  /** Whether it is time to tell the others that somebody types, for the first time or again. */
  readonly isDue: (conversationId: string, userId: string) => boolean;
  /** What somebody has told, through this process or another. @returns whether that is a change */
  readonly hear: (conversationId: string, userId: string, isTyping: boolean) => boolean;
  /** Who is typing, whoever began first coming first. */
  readonly typists: (conversationId: string) => readonly string[];
}

/** Tells whether a user is a member of a conversation; null for a conversation that does not exist. Simultaneous calls share one statement. */
export type MembershipLookup = (conversationId: string, userId: string) => Promise<boolean | null>;

/** Adds a user's like to a post's, or takes it back. @returns the count and its version, as it leaves them; null when nothing has changed */
type ChangeLike = (
  db: Database,
  postId: string,
  userId: string,
) => Promise<{ readonly postId: string; readonly count: number; readonly version: number } | null>;

/** Changes the likes of posts: those of one post that come at the same time in one transaction, those within a transaction as part of that. */
export interface LikeQueue {
  readonly like: ChangeLike;
  readonly unlike: ChangeLike;
}

/** What one operation may still have rendered anew. */
export interface RenderingAllowance {
  characters: number;
  /** Milliseconds of work. */
  ms: number;
  /** The text that is rendered for it, or was at last. */
  last: Promise<void>;
}

/** Reads Markdown, in threads of its own. */
export interface Markdown {
  /**
   * A text as sanitised HTML, equal texts once as long as they are asked for.
   * @param mentions whether `@username` is a link to that profile
   * @throws OPERATION_TOO_COMPLEX when it has to be rendered and the allowance is used up
   */
  readonly html: (source: string, allowance: RenderingAllowance, mentions: boolean) => string | Promise<string>;
  /** The HTML of an article, to be stored: nobody waits for it, so it may take longer. */
  readonly storedHtml: (source: string) => Promise<string>;
  /** The usernames that a text mentions, as they are written; none of a text that takes too long. */
  readonly mentions: (source: string) => Promise<readonly string[]>;
  /** Where the links of a text lead, in its order; null of one that takes too long. @param source with `\n` as its line ends */
  readonly destinations: (source: string) => Promise<readonly Destination[] | null>;
  /** The first heading of the first level; null for none, and of a text that takes too long. */
  readonly firstHeading: (source: string) => Promise<string | null>;
}

/** A WebSocket or an event stream of somebody who is signed in, as it is at a moment. */
export interface ConnectedClient {
  /** Tells it from all others. */
  readonly key: string;
  readonly transport: 'SOCKET' | 'EVENT_STREAM';
  /** The session that its credential belongs to; null for a credential without one. */
  readonly sessionId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** In milliseconds since 1970. */
  readonly since: number;
  readonly subscriptions: number;
  readonly queuedResults: number;
  readonly queuedBytes: number;
}

/** Finds the connections of a user, at whatever process they are. */
export interface ConnectedClients {
  /** Has the server of this process tell which connections a user has at it. */
  readonly serve: (connectionsOf: (userId: string) => readonly ConnectedClient[]) => void;
  /** The connections of a user at all processes, the longest first, up to a limit. Those of a process that does not answer within a second are left out. */
  readonly of: (userId: string) => Promise<readonly ConnectedClient[]>;
}

/** Knows who has accepted the terms of the operator. */
export interface TermsConsent {
  /** The terms that a user still has to accept; null for who has, and where there are none. */
  readonly owed: (userId: string) => Promise<{ readonly version: string; readonly url: string } | null>;
}

/** What the whole process shares, built once by the composition root. */
export interface Services {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly db: Database;
  readonly hub: Hub;
  readonly limits: RateLimits;
  readonly tokens: TokenIssuer;
  readonly secretDigest: SecretDigest;
  readonly masterKey: MasterKey;
  /** The secret of a link that is mailed, by the id of the link: only its digest is stored. */
  readonly linkSecret: SecretDigest;
  readonly mailer: Mailer;
  readonly issuers: Issuers;
  readonly fileStore: FileStore;
  /** Signs the links by which files are read. */
  readonly fileSignature: SecretDigest;
  readonly passwordStrength: Pick<PasswordStrength, 'estimate'>;
  readonly typing: TypingMemory;
  readonly likes: LikeQueue;
  readonly memberships: MembershipLookup;
  readonly connections: ConnectedClients;
  readonly terms: TermsConsent;
  readonly markdown: Markdown;
}

/** Where the refresh token of a browser's session travels. */
export interface SessionCookie {
  /** The one that came with the request. */
  readonly refreshToken: string | null;
  readonly keep: (refreshToken: string, seconds: number) => void;
  readonly forget: () => void;
}

/** What a resolver gets. A new one is made for each operation, and for each event of a subscription. */
export interface Context extends Services {
  /** Null when nobody is signed in. */
  readonly principal: Principal | null;
  /** The principal's. */
  readonly viewer: Viewer | null;
  /** Where the request comes from, as far as is known. `requestId` is that of the log: of a socket, the one of its handshake. */
  readonly client: { readonly ip: string | null; readonly userAgent: string | null; readonly requestId: string | null };
  /** What the access log has of the operation; null where that is off, and where the work is not for one operation alone. */
  readonly visit: Visit | null;
  /** Null where refresh tokens travel in the answers: on sockets, and wherever a client has not asked for the cookie. */
  readonly sessionCookie: SessionCookie | null;
  /** Where a reconnecting stream of server-sent events goes on: the `Last-Event-ID`, which takes precedence over `after`. */
  readonly lastEventId?: string | null;
  /**
   * Aborted when nobody waits for the result any more: the connection of an HTTP request was closed before its answer, the client of a socket
   * sent `complete` for the operation, or its socket was closed. It is made when it is first read. Null where the work is not for one operation
   * alone, as for an event that subscribers share.
   */
  readonly signal: AbortSignal | null;
  /** The same for who looks now and then; false where the work is not for one operation alone. */
  readonly isGone: () => boolean;
  /** The `commit` of the last write that the client knows of: it is not given an answer from before that. */
  readonly commit: string | null;
  /** What has been loaded, or is just being loaded, for this operation or this event: see `graphql/loaders.ts`. */
  readonly loaded: Map<unknown, unknown>;
  /**
   * The same for what is loaded by keys alone, whoever the viewer is. The executions of one selection that begin in the same tick, each for an
   * event or a viewer of its own, share it; elsewhere it is `loaded`.
   */
  readonly loadedByKeys: Map<unknown, unknown>;
}

interface ContextOptions extends Pick<Context, 'principal' | 'client' | 'lastEventId'> {
  readonly commit?: string | null;
  readonly sessionCookie?: SessionCookie | null;
  readonly visit?: Visit | null;
  /**
   * Tells when the client has gone, where the context is for one operation of one client. Such a context has a deadline, and its statements a
   * share of the connections.
   */
  readonly hangUp?: { readonly signal: AbortSignal; readonly isOver: boolean } | undefined;
  /** Tells the same where the context is for subscribing, which has no deadline, and takes no turns: thousands of clients do it at the same time. */
  readonly isGone?: () => boolean;
}

/**
 * The context of a principal, or of an anonymous request when it is null. The services come last, since V8 takes twenty times as long to add
 * properties to a copy of many; none of them has the name of another property.
 */
export const contextFor = (
  services: Services,
  { principal, client, lastEventId = null, commit = null, sessionCookie = null, visit = null, hangUp, isGone }: ContextOptions,
  loaded: Loaded = nothingLoaded(),
): Context => ({
  principal,
  viewer: principal?.viewer ?? null,
  client,
  lastEventId,
  commit,
  sessionCookie,
  visit,
  get signal() {
    return hangUp?.signal ?? null;
  },
  isGone: isGone ?? (() => hangUp?.isOver === true),
  ...loaded,
  ...services,
  db:
    hangUp !== undefined
      ? services.db.of(requesterOf(services, { principal, client }, () => hangUp.isOver))
      : isGone !== undefined
        ? services.db.of({ owner: null, isGone, deadline: Infinity, actor: null })
        : services.db,
});

type Loaded = Pick<Context, 'loaded' | 'loadedByKeys'>;

/** @param loadedByKeys what is loaded together with others */
export const nothingLoaded = (loadedByKeys?: Context['loadedByKeys']): Loaded => {
  const loaded = new Map();
  return { loaded, loadedByKeys: loadedByKeys ?? loaded };
};

/** Whose operation it is, for its statements. @param isGone whether nobody waits for its result any more */
export const requesterOf = (
  { config }: Pick<Services, 'config'>,
  { principal, client }: Pick<Context, 'principal' | 'client'>,
  isGone: Requester['isGone'],
): Requester => ({
  owner: principal?.viewer.id ?? addressKey(client.ip ?? ''),
  isGone,
  deadline: performance.now() + config.limits.operationTimeoutMs,
  actor: {
    actorId: principal?.viewer.id ?? null,
    via: principal && meansOf(principal.via),
    ip: client.ip,
    userAgent: client.userAgent,
  },
});

/** The same context, or one that differs in this, with nothing loaded yet. */
export const freshContext = (context: Context, changes: Partial<Pick<Context, 'principal' | 'viewer' | 'db'>> = {}): Context => ({
  ...context,
  ...changes,
  ...nothingLoaded(),
});
