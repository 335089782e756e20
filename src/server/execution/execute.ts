import { getOperationAST, OperationTypeNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Context } from '../../context.js';
import type { TableWrites } from '../../realtime/table-writes.js';
import type { Executor } from './executor/executor.js';
import type { ShareQuery } from './shared-queries.js';

export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;

/**
 * Executes queries and mutations: a query shared with equal ones where that is possible, and a mutation with the name of what it has written
 * in `extensions.commit`.
 */
export const createExecute =
  (execute: Executor, share: ShareQuery | null, writes: Pick<TableWrites, 'tokenAfter'>): Execute =>
  (args) => {
    const { commit } = args.contextValue as Context;
    const operation = getOperationAST(args.document, args.operationName)?.operation;
    if (operation === OperationTypeNode.MUTATION)
      return Promise.resolve(execute(args)).then((result) => ({
        ...result,
        extensions: { ...result.extensions, commit: writes.tokenAfter(commit) },
      }));
    const shared = operation === OperationTypeNode.QUERY ? (share?.(args, commit) ?? null) : null;
    return shared === null ? execute(args) : shared.then((result) => result ?? execute(args));
  };
