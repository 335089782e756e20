import type { Config } from './config.js';
import type { Clock } from './clock.js';
import type { Database } from './db/database.js';
import type { Role } from './db/generated/prisma/client.js';
import type { Log } from './observability/log.js';
import type { RateLimits } from './access/rate-limits.js';
import type { Position } from './realtime/cursor.js';
import type { Hub } from './realtime/hub.js';

/** Who asks. */
export interface Viewer {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
}

/** How somebody has shown who they are. */
export interface Via {
  readonly kind: 'session';
  readonly sessionId: string;
}

/** Who is asking, how they have shown it, for which of their rights, and until when it is valid. */
export interface Principal {
  readonly viewer: Viewer;
  readonly via: Via;
  /** What of all that the viewer may do; a session is good for everything. */
  readonly scopes: 'ALL';
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

/** What the whole process shares, built once by the composition root. */
export interface Services {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly db: Database;
  readonly hub: Hub;
  readonly limits: RateLimits;
  readonly tokens: TokenIssuer;
}

/** What a resolver gets. A new one is made for each operation, and for each event of a subscription. */
export interface Context extends Services {
  /** Null when nobody is signed in. */
  readonly principal: Principal | null;
  /** The principal's. */
  readonly viewer: Viewer | null;
  /** Where the request comes from, as far as is known. */
  readonly client: { readonly ip: string | null; readonly userAgent: string | null };
  /** Where a reconnecting stream of server-sent events goes on: the `Last-Event-ID`, which takes precedence over `after`. */
  readonly lastEventId?: string | null;
}

/** The context of a principal, or of an anonymous request when it is null. */
export const contextFor = (services: Services, { principal, ...rest }: Pick<Context, 'principal' | 'client' | 'lastEventId'>): Context => ({
  ...services,
  ...rest,
  principal,
  viewer: principal?.viewer ?? null,
});
