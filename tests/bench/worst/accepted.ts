/** What a server with the default limits accepts, found out without asking it. */
import { loadConfig } from '../../../src/config.js';
import { schema } from '../../../src/process/schema.js';
import { createCostOf } from '../../../src/server/execution/cost.js';
import { createParser, createValidation } from '../../../src/server/execution/document.js';
import { costError } from '../../../src/server/execution/order.js';
import type { Asked } from './stage.js';

const { limits, schema: secrecy } = loadConfig({ NODE_ENV: 'production', DATABASE_URL: 'postgresql://localhost/lyceum' });
const parse = createParser(limits);
const validate = createValidation(schema, secrecy);
const costOf = createCostOf(schema);
/** What a request has beside its query and variables, in bytes. */
const AROUND = 100;

export const isAccepted = ({ query, variables = {} }: Asked): boolean => {
  if (JSON.stringify({ query, variables }).length > limits.requestBytes - AROUND) return false;
  try {
    const document = parse(query);
    if (validate(document).length > 0) return false;
    return costError(costOf({ document, variableValues: variables as Record<string, unknown> }), limits, false) === null;
  } catch {
    return false;
  }
};

/** The largest size in which something is accepted; 0 when it is not in any. */
export const largestAccepted = (of: (n: number) => Asked, most: number): number => {
  let accepted = 0;
  let refused = most + 1;
  while (refused - accepted > 1) {
    const middle = Math.floor((accepted + refused) / 2);
    if (isAccepted(of(middle))) accepted = middle;
    else refused = middle;
  }
  return accepted;
};
