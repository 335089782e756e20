import { holderOf } from '../../access/address.js';

/** A socket whose peer does not take what is sent. */
export interface Debtor {
  /** Where its peer is. */
  readonly address: string;
  /** Gives up what is queued; what was written already stays. */
  drop(): void;
  /** Gives up the connection with all that it holds. */
  cut(): void;
}

/**
 * What a whole process holds for peers that do not take it: of one address, and of all together. Beyond either bound the slowest of them, those whose
 * connections have been blocked for longest, give up first; others are not touched. Results that many sockets are sent are one piece of memory and are
 * counted for each of them, so a process holds less than this says, never more.
 */
export interface SendBudget {
  /** What the debtor holds now, in bytes; 0 when its connection takes what is sent again, or has gone. */
  readonly hold: (debtor: Debtor, bytes: number) => void;
  /** What all hold now, in bytes. */
  readonly held: () => number;
}

export interface SendBudgetOptions {
  /** Bytes that may be held for all peers of the process together. */
  readonly maxTotalBytes: number;
  /** Bytes that may be held for the peers of one address together. */
  readonly maxBytesPerAddress: number;
}

export const createSendBudget = ({ maxTotalBytes, maxBytesPerAddress }: SendBudgetOptions): SendBudget => {
  /** In the order in which they were blocked. */
  const debts = new Map<Debtor, number>();
  const ofAddresses = new Map<string, number>();
  let total = 0;
  let collecting: NodeJS.Immediate | null = null;

  const set = (debtor: Debtor, bytes: number): void => {
    const change = bytes - (debts.get(debtor) ?? 0);
    if (bytes > 0) debts.set(debtor, bytes);
    else debts.delete(debtor);
    const holder = holderOf(debtor.address);
    const sum = (ofAddresses.get(holder) ?? 0) + change;
    if (sum > 0) ofAddresses.set(holder, sum);
    else ofAddresses.delete(holder);
    total += change;
  };
  const isTooMuch = ({ address }: Debtor): boolean =>
    total > maxTotalBytes || (ofAddresses.get(holderOf(address)) ?? 0) > maxBytesPerAddress;
  const collect = (): void => {
    collecting = null;
    for (const debtor of debts.keys()) if (isTooMuch(debtor)) debtor.drop();
    // What was written already is given up with its connection alone.
    for (const debtor of debts.keys()) if (isTooMuch(debtor)) debtor.cut();
  };

  return {
    hold: (debtor, bytes) => {
      set(debtor, bytes);
      // Not at once: whoever says so is in the middle of handing one event to many, of whom others would end meanwhile.
      if (bytes > 0 && isTooMuch(debtor)) collecting ??= setImmediate(collect);
    },
    held: () => total,
  };
};
