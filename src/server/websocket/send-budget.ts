import { holderOf } from '../../access/address.js';

/** A socket whose peer reads too slowly. */
export interface Debtor {
  /** The peer's address. */
  readonly address: string;
  /** Drops the queued results; data that was already written remains. */
  drop(): void;
  /** Closes the connection and releases everything that it holds. */
  cut(): void;
}

/**
 * Limits the memory that a process holds for slow peers, per address and in total. Beyond a limit, the sockets that have been blocked for
 * longest are dropped first; others are not touched. Results that many sockets share are one piece of memory but are counted for each
 * socket, so the process never holds more than is counted.
 */
export interface SendBudget {
  /** Sets how many bytes a socket holds; 0 when its connection is writable again or closed. */
  readonly hold: (debtor: Debtor, bytes: number) => void;
  /** The total of all sockets, in bytes. */
  readonly held: () => number;
}

export interface SendBudgetOptions {
  /** The limit for all peers of the process together, in bytes. */
  readonly maxTotalBytes: number;
  /** The limit for all peers of one address together, in bytes. */
  readonly maxBytesPerAddress: number;
}

export const createSendBudget = ({ maxTotalBytes, maxBytesPerAddress }: SendBudgetOptions): SendBudget => {
  /** In the order in which the sockets were blocked. */
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
    // Data that was already written is released only when the connection is closed.
    for (const debtor of debts.keys()) if (isTooMuch(debtor)) debtor.cut();
  };

  return {
    hold: (debtor, bytes) => {
      set(debtor, bytes);
      // It runs later, because the caller is in the middle of delivering an event to many sockets, and dropping would end other
      // subscriptions during that loop.
      if (bytes > 0 && isTooMuch(debtor)) collecting ??= setImmediate(collect);
    },
    held: () => total,
  };
};
