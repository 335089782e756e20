import type { IncomingMessage } from 'node:http';
import { GraphQLError, Kind, OperationTypeNode, getOperationAST, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { OperationBudgets } from '../../access/buckets.js';
import type { Principal } from '../../context.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { credentialOf } from '../../domains/account/credentials.js';
import { coded } from '../../errors.js';
import { clientAddress } from '../http/address.js';
import type { Mask } from './mask.js';
import { readRequest } from './request.js';

/** The principal of a request, or the error with which its credential was refused. */
export interface Identity {
  readonly principal: Principal | null;
  readonly refused: GraphQLError | null;
}

export interface AdmissionOptions {
  readonly schema: GraphQLSchema;
  readonly parse: (text: string) => DocumentNode;
  readonly budgets: OperationBudgets;
  readonly authenticate: Authenticator['authenticate'];
  readonly trustProxy: boolean;
  readonly mask: Mask;
}

/** The part of Yoga's server context that belongs to one request. */
interface RequestState {
  readonly req?: IncomingMessage;
  identity?: Identity;
}

/**
 * The checks of an HTTP request before its document is validated, in this order: the rate limit of its address, its credential, the rate
 * limit of its viewer. A WebSocket passes the same checks: its credential in the handshake, the limits with each operation.
 *
 * A refused credential refuses the operation, unless it consists only of mutations that need no viewer, such as `login`.
 */
export const admission = ({ schema, parse, budgets, authenticate, trustProxy, mask }: AdmissionOptions): Plugin => {
  const identify = async ({ req }: RequestState): Promise<Identity> => {
    try {
      const credential = credentialOf(req?.headers ?? {});
      return { principal: credential && (await authenticate(credential)), refused: null };
    } catch (error) {
      if (error instanceof GraphQLError) return { principal: null, refused: error };
      throw error;
    }
  };
  const isViewerless = (given: unknown): boolean => {
    try {
      const { query, operationName } = readRequest(given);
      return consistsOfViewerless(schema, parse(query), operationName);
    } catch (error) {
      if (error instanceof GraphQLError) return false;
      throw error;
    }
  };
  return {
    onRequestParse: ({ requestParser, setRequestParser, serverContext }) => {
      const state = serverContext as RequestState;
      // The address is checked before the body is read.
      budgets.ofAddress(state.req ? clientAddress(state.req, trustProxy) : null);
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          const { refused } = await identify(state);
          if (refused !== null) throw refused;
          // Malformed parameters in the URL are a bad request; Yoga would let the SyntaxError of JSON.parse through as an internal error.
          if (error instanceof SyntaxError) throw coded('BAD_REQUEST', 'The parameters "variables" and "extensions" must be JSON.');
          throw error;
        }
      });
    },
    onParams: async ({ params, setParams, context }) => {
      const identity = await identify(context);
      Object.assign(context, { identity });
      const { principal, refused } = identity;
      if (principal !== null) budgets.ofViewer(principal.viewer.id);
      if (refused !== null && !isViewerless(params)) throw mask(refused);
      setParams(readRequest(params));
    },
  };
};

const consistsOfViewerless = (schema: GraphQLSchema, document: DocumentNode, operationName: string | undefined): boolean => {
  const operation = getOperationAST(document, operationName);
  const fields = schema.getMutationType()?.getFields() ?? {};
  return (
    operation?.operation === OperationTypeNode.MUTATION &&
    operation.selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && fields[selection.name.value]?.extensions['viewerless'] === true,
    )
  );
};
