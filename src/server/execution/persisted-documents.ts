import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { CostBudgets } from '../../access/cost-budgets.js';
import type { RateLimits } from '../../access/rate-limits.js';
import type { Clock } from '../../clock.js';
import { codeOf, coded } from '../../errors.js';
import type { SharedTexts } from '../../redis/shared-texts.js';
import { createByteCache } from '../../memory/byte-cache.js';
import type { Engine } from './engine.js';
import { isSha256, type GivenRequest, type OperationRequest } from './request.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** Finds the text of a document that is named by an id. */
export interface PersistedDocuments {
  /**
   * The request with its text. A text that comes with its hash is kept, so that the hash alone is enough from then on.
   * @param address that of the client, which pays for a text that has to be parsed, and may have a limited number of new documents kept
   * @throws PERSISTED_QUERY_NOT_FOUND, DOCUMENT_NOT_TRUSTED, BAD_REQUEST when text and hash do not belong together
   */
  readonly resolve: (request: GivenRequest, address: string | null) => OperationRequest | Promise<OperationRequest>;
}

export interface PersistedOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly limits: Pick<RateLimits, 'consume'>;
  readonly costs: Pick<CostBudgets, 'chargeDocument'>;
  /** Where the processes find what others keep; null when there is no other. */
  readonly shared: SharedTexts | null;
  /** How long a document is kept that nobody asks for, in milliseconds. */
  readonly ttlMs: number;
  readonly trusted: TrustedDocuments | null;
  /** Whether nothing but trusted documents is executed. */
  readonly trustedOnly: boolean;
}

/**
 * The memory of kept documents, in bytes. The least recently used go first; an entry takes 500 bytes beside its text, so there are never more
 * than 60,000.
 */
const KEPT_BYTES = 33_554_432;
/**
 * The longest text that is kept, in characters. Without it, thirty clients who may each keep a document of a megabyte would push out those of
 * everybody else.
 */
const MAX_KEPT_LENGTH = 32_768;

interface Kept {
  readonly text: string;
  usedAt: number;
  /** When it was last handed to the other processes. */
  sharedAt: number;
}

export const createPersistedDocuments = ({
  engine,
  clock,
  limits,
  costs,
  shared,
  ttlMs,
  trusted,
  trustedOnly,
}: PersistedOptions): PersistedDocuments => {
  const kept = createByteCache<Kept>(KEPT_BYTES, ({ text }) => 2 * text.length);

  /** The request, whose text will be parsed. */
  const paid = (request: OperationRequest, address: string | null): OperationRequest => {
    if (!engine.documents.isKnown(request.query)) costs.chargeDocument(address, request.query.length);
    return request;
  };
  const share = (id: string, entry: Kept): void => {
    entry.sharedAt = clock.now();
    shared?.set(id, entry.text, ttlMs);
  };
  const find = (id: string): Kept | null => {
    const entry = kept.get(id);
    const now = clock.now();
    if (entry === undefined || now - entry.usedAt > ttlMs) return null;
    entry.usedAt = now;
    // What is in use here stays known to the others.
    if (now - entry.sharedAt > ttlMs / 2) share(id, entry);
    return entry;
  };
  const remember = (id: string, text: string): Kept => {
    const entry: Kept = { text, usedAt: clock.now(), sharedAt: clock.now() };
    kept.set(id, entry);
    return entry;
  };

  /** Whether the operation could be executed: only such a document is worth being kept. */
  const isExecutable = (request: OperationRequest): boolean => {
    try {
      const prepared = engine.prepare(request);
      return !('length' in prepared) && engine.tooDear(prepared) === null;
    } catch (error) {
      if (error instanceof GraphQLError) return false;
      throw error;
    }
  };

  /** Keeps a document, unless it cannot be executed or its client has had too many kept. It is executed in any case. */
  const keep = async (id: string, request: OperationRequest, address: string | null): Promise<OperationRequest> => {
    const known = find(id);
    // Its client was told by some process that it does not know it.
    if (known !== null) share(id, known);
    else if (request.query.length <= MAX_KEPT_LENGTH && isExecutable(request)) {
      try {
        await limits.consume('document', address);
        share(id, remember(id, request.query));
      } catch (error) {
        if (codeOf(error) !== 'RATE_LIMITED') throw error;
      }
    }
    return request;
  };

  const withText = (
    request: OperationRequest,
    id: string | undefined,
    address: string | null,
  ): OperationRequest | Promise<OperationRequest> => {
    const { query } = request;
    if (trusted?.hasText(query) === true && (id === undefined || trusted.get(id) === query)) return request;
    if (id !== undefined && (trusted?.get(id) !== undefined || (isSha256(id) && sha256(query) !== id)))
      throw coded('BAD_REQUEST', 'The document is not the one that the hash names.');
    if (trustedOnly) throw notTrusted();
    paid(request, address);
    return id !== undefined && isSha256(id) ? keep(id, request, address) : request;
  };

  const byId = async (id: string, rest: Omit<OperationRequest, 'query'>, address: string | null): Promise<OperationRequest> => {
    if (trustedOnly) throw notTrusted();
    const known = find(id);
    if (known !== null) return paid({ ...rest, query: known.text }, address);
    const text = isSha256(id) && shared !== null ? await shared.get(id) : null;
    // What Redis holds is believed only because its hash says so.
    if (text === null || sha256(text) !== id) throw coded('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    return paid({ ...rest, query: remember(id, text).text }, address);
  };

  return {
    resolve: ({ query, documentId, ...rest }, address) => {
      if (query !== undefined)
        return documentId === undefined && !trustedOnly
          ? paid({ query, ...rest }, address)
          : withText({ query, ...rest }, documentId, address);
      const id = documentId ?? '';
      const text = trusted?.get(id);
      return text === undefined ? byId(id, rest, address) : { ...rest, query: text };
    },
  };
};

const notTrusted = (): GraphQLError =>
  coded('DOCUMENT_NOT_TRUSTED', 'Only the documents of a fixed list are executed here; this one is not on it.');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
