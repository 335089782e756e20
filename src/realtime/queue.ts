/**
 * A queue for a single reader. It ends at once when its reader leaves, even while `next()` is pending; an async generator would hold its
 * resources until the next value arrives.
 */
export class Queue<Value> implements AsyncIterableIterator<Value> {
  #values: (() => Value)[] = [];
  #waiting: { resolve: (result: IteratorResult<Value>) => void; reject: (reason: unknown) => void } | null = null;
  #end: { error: unknown } | null = null;
  #room: { readonly below: number; readonly resolve: () => void }[] = [];

  get size(): number {
    return this.#values.length;
  }

  /** Ignored after the end. */
  push(value: Value): void {
    this.pushLater(() => value);
  }

  /** Queues a value that is computed when it is read. */
  pushLater(take: () => Value): void {
    if (this.#end) return;
    if (this.#waiting) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: take() });
    } else this.#values.push(take);
  }

  /** Resolves when fewer than `limit` values are queued, or the queue has ended. */
  async below(limit: number): Promise<void> {
    if (this.#end || this.#values.length < limit) return;
    await new Promise<void>((resolve) => this.#room.push({ below: limit, resolve }));
  }

  /** Ends the queue after its queued values, with `error` if one is given. Only the first end counts. */
  end(error: unknown = null): void {
    if (this.#end) return;
    this.#end = { error };
    this.#tellRoom();
    if (!this.#waiting) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = null;
    if (error === null) resolve({ done: true, value: undefined });
    else {
      // The error is reported once; a further read finds the end.
      this.#end = { error: null };
      reject(error);
    }
  }

  async next(): Promise<IteratorResult<Value>> {
    const take = this.#values.shift();
    if (take !== undefined) {
      this.#tellRoom();
      return { done: false, value: take() };
    }
    if (this.#end) {
      const { error } = this.#end;
      this.#end = { error: null };
      if (error !== null) throw error as unknown;
      return { done: true, value: undefined };
    }
    return await new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Drops the queued values and ends. */
  async return(): Promise<IteratorResult<Value>> {
    this.#values = [];
    this.end();
    return await Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #tellRoom(): void {
    if (this.#room.length === 0) return;
    const told = this.#room.filter(({ below }) => this.#end !== null || this.#values.length < below);
    this.#room = this.#room.filter((waiter) => !told.includes(waiter));
    for (const { resolve } of told) resolve();
  }
}
