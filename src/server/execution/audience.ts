import { contextFor, nothingLoaded, type Context, type Principal, type Services } from '../../context.js';
import { canonical } from '../../graphql/canonical.js';
import { coded } from '../../errors.js';

/**
 * The viewer for whom a result is made: the access watch of a signed-in client, whose principal may change, or null for an anonymous one.
 */
export interface Audience {
  readonly principal: Principal | null;
  /** The client of an anonymous viewer. It decides whose budget an execution counts against, never what the result contains. */
  readonly client?: Context['client'];
}

/**
 * The key of an audience. It is equal for principals who get the same results: all devices of a user whose sessions have the same rights.
 */
export const audienceIdOf = (principal: Principal | null): string =>
  principal === null
    ? 'anyone'
    : canonical([principal.viewer.id, principal.viewer.username, principal.viewer.role, principal.lacksFactor, principal.scopes]);

/**
 * The context of an execution that is shared by an audience. It lacks everything in which the members may differ: address, user agent and
 * session. A resolver that reads one of these fails, so it cannot show one member the data of another.
 */
export const contextForAudience = (
  services: Services,
  principal: Principal | null,
  { traps = OF_ONE_CLIENT, loadedByKeys }: SharedOptions = {},
): Context =>
  Object.defineProperties(
    contextFor(services, { principal: principal && withoutMeans(principal), client: NO_CLIENT }, nothingLoaded(loadedByKeys)),
    traps,
  );

interface SharedOptions {
  /** What reading the rest of the context does. */
  readonly traps?: PropertyDescriptorMap;
  /** Given where it is shared with executions that begin at the same time. */
  readonly loadedByKeys?: Context['loadedByKeys'];
}

const withoutMeans = ({ viewer, lacksFactor, scopes }: Principal): Principal =>
  Object.defineProperties({ viewer, lacksFactor, scopes } as Principal, { via: REFUSED, expiresAt: REFUSED, asOf: REFUSED });

/** The context of an execution that is shared by everyone. Reading the viewer fails and calls `onTouch`. */
export const contextForEveryone = (
  services: Services,
  onTouch: () => void,
  { traps = OF_ONE_CLIENT, loadedByKeys }: SharedOptions = {},
): Context => {
  const touch = (): never => {
    onTouch();
    throw new Error('This result is for everyone; nobody in particular is its viewer.');
  };
  const trap = { get: touch, enumerable: true };
  return Object.defineProperties({ signal: null, isGone: () => false, ...nothingLoaded(loadedByKeys), ...services } as unknown as Context, {
    principal: trap,
    viewer: trap,
    ...traps,
  });
};

/** The client of an execution that no request has caused. */
export const NO_CLIENT: Context['client'] = { ip: null, userAgent: null, requestId: null };

const REFUSED: PropertyDescriptor = {
  get: () => {
    // The error is coded, because a retry would fail in the same way.
    throw coded('FORBIDDEN', 'An event is the same on all devices of its viewer; none of them in particular has asked for it.');
  },
};

/** What an event must not read, because it is the same on all devices of a viewer. */
const OF_ONE_CLIENT: PropertyDescriptorMap = { client: REFUSED };
