import type { IncomingMessage } from 'node:http';
import type { Services } from '../../context.js';
import type { VisitOf } from '../../observability/access-log.js';
import type { Admission } from '../execution/admission.js';
import type { Engine, Found } from '../execution/engine.js';
import type { HangUp } from '../execution/hang-up.js';
import { GoneError, readJson } from './body.js';
import { contextOfRequest } from './request-context.js';
import { createSessionCookies } from './session-cookie.js';

/** Executes the operation in the body of a POST. @param onCookie called with the header `Set-Cookie` of the response @throws GoneError */
export type Direct = (request: IncomingMessage, hangUp: HangUp, onCookie: (header: string) => void) => Promise<Found>;

/**
 * Creates the direct way of a POST: what Yoga does for a GET without the objects of the Fetch API, which cost more than a small operation. All
 * steps are the functions that Yoga's plugins call, too.
 */
export const createDirect = (engine: Engine, admission: Admission, services: Services, visitOf: VisitOf): Direct => {
  const { requestBytes } = services.config.limits;
  const sessionCookieOf = createSessionCookies(services.config);
  const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
    try {
      return await readJson(request, requestBytes);
    } catch (error) {
      throw error instanceof GoneError ? error : await admission.unreadable(request, error);
    }
  };
  return async (request, hangUp, onCookie) => {
    try {
      // The address is checked before the body is read.
      admission.enter(request);
      const sessionCookie = sessionCookieOf(request, onCookie);
      const { principal, operation } = await admission.admit(request, await bodyOf(request));
      const prepared = engine.prepare(operation);
      if ('length' in prepared) return { errors: prepared };
      const more = { sessionCookie, visit: visitOf(request) };
      return await engine.run(prepared, contextOfRequest(services, request, principal, hangUp, operation.extensions, more));
    } catch (error) {
      if (error instanceof GoneError) throw error;
      return { errors: [engine.mask(error)] };
    }
  };
};
