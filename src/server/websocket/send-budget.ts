import { addressKey } from '../../access/address.js';

/** A socket whose peer reads too slowly. */
export interface SlowPeer {
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
  readonly hold: (peer: SlowPeer, bytes: number) => void;
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
  const bytesOf = new Map<SlowPeer, number>();
  const bytesOfAddress = new Map<string, number>();
  let total = 0;
  let collecting: NodeJS.Immediate | null = null;

  const set = (peer: SlowPeer, bytes: number): void => {
    const change = bytes - (bytesOf.get(peer) ?? 0);
    if (bytes > 0) bytesOf.set(peer, bytes);
    else bytesOf.delete(peer);
    const address = addressKey(peer.address);
    const sum = (bytesOfAddress.get(address) ?? 0) + change;
    if (sum > 0) bytesOfAddress.set(address, sum);
    else bytesOfAddress.delete(address);
    total += change;
  };
  const isTooMuch = ({ address }: SlowPeer): boolean =>
    total > maxTotalBytes || (bytesOfAddress.get(addressKey(address)) ?? 0) > maxBytesPerAddress;
  const collect = (): void => {
    collecting = null;
    for (const peer of bytesOf.keys()) if (isTooMuch(peer)) peer.drop();
    // Data that was already written is released only when the connection is closed.
    for (const peer of bytesOf.keys()) if (isTooMuch(peer)) peer.cut();
  };

  return {
    hold: (peer, bytes) => {
      set(peer, bytes);
      // It runs later, because the caller is in the middle of delivering an event to many sockets, and dropping would end other
      // subscriptions during that loop.
      if (bytes > 0 && isTooMuch(peer)) collecting ??= setImmediate(collect);
    },
    held: () => total,
  };
};
