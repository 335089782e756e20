import type { Config } from './config.js';
import type { Clock } from './clock.js';
import type { Database } from './db/database.js';
import type { Role } from './db/generated/prisma/client.js';
import type { Log } from './log.js';
import type { RateLimits } from './rate-limits.js';
import type { Hub } from './realtime/hub.js';

/** Who asks. */
export interface Viewer {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly sessionId: string;
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
  readonly viewer: Viewer | null;
  /** Where the request comes from, as far as is known. */
  readonly client: { readonly ip: string | null; readonly userAgent: string | null };
  /** Where a cut stream of server-sent events goes on: the last cursor its reader has seen, whatever `after` it was first opened with. */
  readonly lastEventId?: string | null;
}
