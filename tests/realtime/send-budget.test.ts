import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createCollector, createSendQueue, createSlot, type SendQueue, type Slot } from '../../src/server/websocket/send-queue.js';
import { WEBSOCKET_FRAMING } from '../../src/server/websocket/framing.js';
import { createWriteBuffers } from '../../src/server/websocket/write-buffers.js';
import { createSendBudget, type SendBudget } from '../../src/server/websocket/send-budget.js';

/** A connection whose peer takes nothing, until it is told to. */
const createConnection = () => {
  let taken: (() => void) | null = null;
  let takes = false;
  const stream = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => {
      if (takes) done();
      else taken = done;
    },
  });
  return {
    stream,
    take: () => {
      takes = true;
      taken?.();
    },
  };
};

interface Peer {
  readonly sendQueue: SendQueue;
  readonly slot: Slot;
  readonly take: () => void;
  readonly fate: () => 'open' | 'slow' | 'cut';
}
const MAX_BYTES = 1_000_000;
const connect = (budget: SendBudget, address = '192.0.2.1'): Peer => {
  const { stream, take } = createConnection();
  let fate: 'open' | 'slow' | 'cut' = 'open';
  const sendQueue = createSendQueue({
    stream,
    collector: createCollector(1),
    buffers: createWriteBuffers(),
    framing: WEBSOCKET_FRAMING,
    maxFrames: 100_000,
    maxBytes: MAX_BYTES,
    stallMs: 600_000,
    onStall: () => (fate = 'cut'),
    budget,
    address,
  });
  const slot = createSlot('1', 'log', () => (fate = 'slow'));
  return { sendQueue, slot, take, fate: () => fate };
};
const KB = Buffer.from(JSON.stringify('x'.repeat(1_000)));
/** Blocks the connection and queues so many kilobytes behind. */
const fill = ({ sendQueue, slot }: Peer, kilobytes: number): void => {
  sendQueue.text(JSON.stringify('x'.repeat(20_000)));
  sendQueue.next(
    slot,
    Array.from({ length: kilobytes }, () => KB),
  );
};

describe('what a process holds for peers that do not take it', () => {
  it('is bounded: those that were blocked first give up first, and the others go on', async () => {
    const budget = createSendBudget({ maxTotalBytes: 3_000_000, maxBytesPerAddress: Infinity });
    const peers = Array.from({ length: 10 }, (_, index) => connect(budget, `192.0.2.${index}`));
    for (const peer of peers) {
      fill(peer, 500);
      await turn();
      await turn();
      expect(budget.held()).toBeLessThanOrEqual(3_000_000);
    }
    const fates = peers.map((peer) => peer.fate());
    expect(fates.slice(0, 5)).toEqual(['slow', 'slow', 'slow', 'slow', 'slow']);
    expect(fates.slice(-5)).toEqual(['open', 'open', 'open', 'open', 'open']);
  });

  it('is bounded for one address, whatever others hold', async () => {
    const budget = createSendBudget({ maxTotalBytes: Infinity, maxBytesPerAddress: 1_200_000 });
    const other = connect(budget, '192.0.2.9');
    fill(other, 900);
    const peers = Array.from({ length: 4 }, (_, index) => connect(budget, `2001:db8::${index}`));
    for (const peer of peers) fill(peer, 500);
    await turn();
    await turn();
    expect(peers.map((peer) => peer.fate())).toEqual(['slow', 'slow', 'open', 'open']);
    expect(other.fate()).toBe('open');
  });

  it('is bounded where nothing can be given up but the connection', async () => {
    const budget = createSendBudget({ maxTotalBytes: 1_000_000, maxBytesPerAddress: Infinity });
    const peers = Array.from({ length: 3 }, () => connect(budget));
    for (const { sendQueue } of peers) for (let n = 0; n < 21; n += 1) sendQueue.text(JSON.stringify('x'.repeat(20_000)));
    await turn();
    await turn();
    expect(budget.held()).toBeLessThanOrEqual(1_000_000);
    expect(peers.map((peer) => peer.fate())).toEqual(['cut', 'open', 'open']);
  });

  it('is given back by who takes it, and by who goes', async () => {
    const budget = createSendBudget({ maxTotalBytes: Infinity, maxBytesPerAddress: Infinity });
    const [one, other] = [connect(budget), connect(budget)];
    for (const peer of [one, other]) fill(peer, 100);
    expect(budget.held()).toBeGreaterThan(200_000);
    other.sendQueue.close();
    one.take();
    await expect.poll(() => budget.held()).toBe(0);
  });
});

describe('what one socket holds', () => {
  it('is no more than the setting, not for a moment, whatever is sent at once', () => {
    const budget = createSendBudget({ maxTotalBytes: Infinity, maxBytesPerAddress: Infinity });
    const peer = connect(budget);
    fill(peer, 600);
    peer.sendQueue.next(
      createSlot('2', 'log', () => undefined),
      Array.from({ length: 2_000 }, () => KB),
    );
    expect(budget.held()).toBeLessThanOrEqual(MAX_BYTES);
    expect(peer.fate()).toBe('open');
    peer.sendQueue.close();
  });
});
