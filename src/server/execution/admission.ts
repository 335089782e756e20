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

/** Who asks, or why what they have shown was refused. */
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

/** What a request carries along the pipeline. */
interface Carried {
  readonly req?: IncomingMessage;
  identity?: Identity;
}

/**
 * What a request over HTTP must pass before its document is looked at, in this order: the budget of its address, its credential, the budget of
 * its viewer. A socket passes the same: its credential once, in its handshake, and the budgets with each operation.
 *
 * A credential that is refused refuses the operation, unless it consists of mutations that need no viewer, such as signing in.
 */
export const admission = ({ schema, parse, budgets, authenticate, trustProxy, mask }: AdmissionOptions): Plugin => {
  const identify = async ({ req }: Carried): Promise<Identity> => {
    try {
      const credential = credentialOf(req?.headers ?? {});
      return { principal: credential && (await authenticate(credential)), refused: null };
    } catch (error) {
      if (error instanceof GraphQLError) return { principal: null, refused: error };
      throw error;
    }
  };
  const isViewerless = (text: unknown, operationName: string | undefined): boolean => {
    try {
      return typeof text === 'string' && consistsOfViewerless(schema, parse(text), operationName);
    } catch (error) {
      if (error instanceof GraphQLError) return false;
      throw error;
    }
  };
  return {
    onRequestParse: ({ requestParser, setRequestParser, serverContext }) => {
      const carried = serverContext as Carried;
      // Before its body is read.
      budgets.ofAddress(carried.req ? clientAddress(carried.req, trustProxy) : null);
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          const { refused } = await identify(carried);
          if (refused !== null) throw refused;
          // Parameters that cannot be read are the caller's mistake: Yoga lets JSON.parse throw for those in the address.
          if (error instanceof SyntaxError) throw coded('BAD_REQUEST', 'The parameters "variables" and "extensions" must be JSON.');
          throw error;
        }
      });
    },
    onParams: async ({ params, setResult, context }) => {
      const identity = await identify(context);
      Object.assign(context, { identity });
      const { principal, refused } = identity;
      if (principal !== null) budgets.ofViewer(principal.viewer.id);
      if (refused !== null && !isViewerless(params.query, params.operationName)) setResult({ errors: [mask(refused)] });
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
