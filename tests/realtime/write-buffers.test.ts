import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createWriteBuffers, type WriteBuffers } from '../../src/server/websocket/write-buffers.js';

describe('the memory that writes are put together in', () => {
  const ends: Duplex[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end.destroy();
  });
  const open = async (): Promise<{ readonly near: Socket; readonly far: Socket }> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const [near] = await accepted;
    server.close();
    ends.push(near, far);
    return { near, far };
  };
  /** Writes `bytes` times the same byte, and tells where in memory they were. */
  const write = (buffers: WriteBuffers, stream: Duplex, byte: number, bytes: number): ArrayBufferLike => {
    let memory = new ArrayBuffer(0) as ArrayBufferLike;
    buffers.write(stream, bytes, (buffer) => {
      memory = buffer.fill(byte).buffer;
    });
    return memory;
  };
  const received = async (far: Duplex, bytes: number): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    let length = 0;
    far.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
    });
    far.resume();
    await expect.poll(() => length).toBe(bytes);
    return Buffer.concat(chunks);
  };

  it('serves the next write once the system has copied it', async () => {
    const buffers = createWriteBuffers();
    const [a, b] = [await open(), await open()];
    expect(write(buffers, b.near, 2, 40_000)).toBe(write(buffers, a.near, 1, 33_000));
    expect((await received(a.far, 33_000)).equals(Buffer.alloc(33_000, 1))).toBe(true);
    expect((await received(b.far, 40_000)).equals(Buffer.alloc(40_000, 2))).toBe(true);
  });

  it('is left to a connection that has not taken the write yet, whatever is written to others', async () => {
    const buffers = createWriteBuffers();
    const [slow, quick] = [await open(), await open()];
    // Until the system holds no more of it for the peer that does not read.
    let written = 0;
    while (slow.near.writableLength === 0) {
      write(buffers, slow.near, 1, 200_000);
      written += 200_000;
    }
    for (const bytes of [200_000, 140_000, 200_000]) write(buffers, quick.near, 2, bytes);
    expect((await received(slow.far, written)).equals(Buffer.alloc(written, 1))).toBe(true);
  });

  it('is left to a stream that passes on the buffer itself', () => {
    const buffers = createWriteBuffers();
    const stream = new PassThrough({ highWaterMark: 1_000_000 });
    ends.push(stream);
    const first = write(buffers, stream, 1, 1_000);
    expect(write(buffers, stream, 2, 1_000)).not.toBe(first);
    expect((stream.read() as Buffer).equals(Buffer.concat([Buffer.alloc(1_000, 1), Buffer.alloc(1_000, 2)]))).toBe(true);
  });

  it('holds any number of bytes', async () => {
    const buffers = createWriteBuffers();
    const { near, far } = await open();
    const sizes = [1, 2, 511, 512, 513, 65_536, 262_143, 262_144, 262_145, 1_000_000];
    sizes.forEach((bytes, index) => write(buffers, near, index, bytes));
    const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
    expect((await received(far, total)).equals(Buffer.concat(sizes.map((bytes, index) => Buffer.alloc(bytes, index))))).toBe(true);
  });
});
