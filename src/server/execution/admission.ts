import type { IncomingMessage } from 'node:http';
import { GraphQLError, Kind, OperationTypeNode, getOperationAST, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Bans, Sender } from '../../access/bans.js';
import type { OperationBudgets } from '../../access/buckets.js';
import type { CostBudgets } from '../../access/cost-budgets.js';
import type { Principal } from '../../context.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { credentialOf } from '../../domains/account/credentials.js';
import { clientAddress } from '../http/address.js';
import type { Engine } from './engine.js';
import type { PersistedDocuments } from './persisted-documents.js';
import { readRequest, type OperationRequest } from './request.js';

/** A request that may begin its operation. */
export interface Admitted {
  readonly principal: Principal | null;
  readonly operation: OperationRequest;
}

/**
 * The checks of an HTTP request before its document is validated, in this order: whether its address is banned, the rate limit of its address
 * and what is left of its budget, its body, its credential, whether its viewer is banned, the rate limit of its viewer. A WebSocket passes the same checks: its credential in the handshake, the limits with each operation.
 */
export interface Admission {
  /** Before the body is read. @throws RATE_LIMITED */
  readonly enter: (request: IncomingMessage) => void;
  /** Who has sent a request: its viewer, once its credential has been looked at and is good. */
  readonly senderOf: (request: IncomingMessage) => Sender;
  /** The error of a request whose body cannot be read, which is paid for: a refused credential takes precedence over it. */
  readonly unreadable: (request: IncomingMessage, error: unknown) => Promise<unknown>;
  /**
   * Once the body is read. A refused credential refuses the operation, unless it consists only of mutations that need no viewer, such as
   * `login`.
   * @param given the body as JSON, or the same from the parameters of a URL
   * @throws UNAUTHENTICATED, RATE_LIMITED, and the errors of {@link readRequest} and {@link PersistedDocuments}
   */
  readonly admit: (request: IncomingMessage, given: unknown) => Promise<Admitted>;
}

export interface AdmissionOptions {
  readonly engine: Engine;
  readonly persisted: PersistedDocuments;
  readonly budgets: OperationBudgets;
  readonly costs: Pick<CostBudgets, 'enter' | 'chargeReading'>;
  readonly bans: Pick<Bans, 'assertNone'>;
  readonly authenticate: Authenticator['authenticate'];
  readonly trustProxy: boolean;
}

/** The principal of a request, or the error with which its credential was refused. */
interface Identity {
  readonly principal: Principal | null;
  readonly refused: GraphQLError | null;
}

export const createAdmission = (options: AdmissionOptions): Admission => {
  const { engine, persisted, budgets, costs, bans, authenticate, trustProxy } = options;
  const { schema, documents } = engine;
  const chargeReading = (request: IncomingMessage): void => costs.chargeReading(addressOf(request), bytesOf(request));
  const viewerIds = new WeakMap<IncomingMessage, string>();
  const senderOf = (request: IncomingMessage): Sender => ({ ip: addressOf(request), viewerId: viewerIds.get(request) ?? null });
  const identify = async (request: IncomingMessage): Promise<Identity> => {
    try {
      const credential = credentialOf(request.headers);
      const principal = credential && (await authenticate(credential));
      if (principal !== null) viewerIds.set(request, principal.viewer.id);
      return { principal, refused: null };
    } catch (error) {
      if (error instanceof GraphQLError) return { principal: null, refused: error };
      throw error;
    }
  };
  const addressOf = (request: IncomingMessage): string | null => clientAddress(request, trustProxy);
  const operationOf = (request: IncomingMessage, given: unknown): OperationRequest | Promise<OperationRequest> =>
    persisted.resolve(readRequest(given), addressOf(request));
  const isViewerless = ({ query, operationName }: OperationRequest): boolean =>
    consistsOfViewerless(schema, documents.parse(query), operationName);
  /** The operation of a request whose credential was refused. */
  const viewerlessOf = async (request: IncomingMessage, given: unknown, refused: GraphQLError): Promise<OperationRequest> => {
    try {
      const operation = await operationOf(request, given);
      if (isViewerless(operation)) return operation;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
    }
    throw refused;
  };
  return {
    senderOf,
    enter: (request) => {
      const address = addressOf(request);
      // Who shows a credential may be somebody else behind the same address.
      if (request.headers.authorization === undefined) bans.assertNone({ ip: address, viewerId: null });
      budgets.ofAddress(address);
      costs.enter(address);
    },
    unreadable: async (request, error) => {
      chargeReading(request);
      return (await identify(request)).refused ?? error;
    },
    admit: async (request, given) => {
      chargeReading(request);
      const { principal, refused } = await identify(request);
      bans.assertNone(senderOf(request));
      if (principal !== null) budgets.ofViewer(principal.viewer.id);
      const operation = await (refused === null ? operationOf(request, given) : viewerlessOf(request, given, refused));
      return { principal, operation };
    },
  };
};

/** What a body without a length counts as, in bytes. */
const UNKNOWN_BYTES = 100_000;

const bytesOf = ({ method, headers }: IncomingMessage): number =>
  method === 'POST' ? Number(headers['content-length'] ?? UNKNOWN_BYTES) : 0;

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
