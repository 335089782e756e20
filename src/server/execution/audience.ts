import { contextFor, type Context, type Principal, type Services } from '../../context.js';
import { canonical } from '../../graphql/canonical.js';
import { coded } from '../../errors.js';

/** Who is shown something: a watch, whose principal is who they are at that moment, or somebody who has not said who they are. */
export interface Audience {
  readonly principal: Principal | null;
  /** Where somebody unknown is, which says whom to count what it costs to, never what is shown. */
  readonly client?: Context['client'];
}

/** Equal for principals whom everything that is made for them shows the same: all devices of a user, as long as they may do the same. */
export const audienceIdOf = (principal: Principal | null): string =>
  principal === null ? 'anyone' : canonical([principal.viewer.id, principal.viewer.username, principal.viewer.role, principal.scopes]);

/**
 * The context of what is made once for a whole audience, which has none of what its members differ in: address, user agent, session. Asking
 * for these fails, so that a resolver that does so shows nothing rather than another's.
 */
export const contextForAudience = (services: Services, principal: Principal | null): Context =>
  Object.defineProperty(contextFor(services, { principal: principal && withoutMeans(principal), client: NOWHERE }), 'client', REFUSED);

const withoutMeans = ({ viewer, scopes }: Principal): Principal =>
  Object.defineProperties({ viewer, scopes } as Principal, { via: REFUSED, expiresAt: REFUSED, asOf: REFUSED });

/** The context of what is made once for everyone: asking who the viewer is fails, and `onTouch` is told. */
export const contextForEveryone = (services: Services, onTouch: () => void): Context => {
  const touch = (): never => {
    onTouch();
    throw new Error('This result is for everyone; nobody in particular is its viewer.');
  };
  const trap = { get: touch, enumerable: true };
  return Object.defineProperties({ ...services, loaded: new Map() } as unknown as Context, {
    principal: trap,
    viewer: trap,
    client: REFUSED,
  });
};

/** Where what is asked comes from that no request asks. */
export const NOWHERE: Context['client'] = { ip: null, userAgent: null };

const REFUSED: PropertyDescriptor = {
  get: () => {
    // With a code: it would fail in the same way however often it were tried.
    throw coded('FORBIDDEN', 'An event is the same on all devices of its viewer; none of them in particular has asked for it.');
  },
};
