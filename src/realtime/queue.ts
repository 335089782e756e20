/**
 * A single-reader queue that ends at once when its reader leaves, also while a `next()` is pending: an async generator
 * would keep its resources until the next value arrives.
 */
export class Queue<Value> implements AsyncIterableIterator<Value, undefined> {
  readonly #values: Value[] = [];
  #waiting: { resolve: (result: IteratorResult<Value, undefined>) => void; reject: (reason: unknown) => void } | null = null;
  #end: { error: unknown } | null = null;

  get size(): number {
    return this.#values.length;
  }

  /** Ignored after the end. */
  push(value: Value): void {
    if (this.#end) return;
    if (this.#waiting) {
      this.#waiting.resolve({ done: false, value });
      this.#waiting = null;
    } else this.#values.push(value);
  }

  /** Ends after what is queued, with `error` when one is given. The first end counts. */
  end(error: unknown = null): void {
    if (this.#end) return;
    this.#end = { error };
    if (!this.#waiting) return;
    if (error === null) this.#waiting.resolve({ done: true, value: undefined });
    else this.#waiting.reject(error);
    this.#waiting = null;
  }

  async next(): Promise<IteratorResult<Value, undefined>> {
    const value = this.#values.shift();
    if (value !== undefined) return { done: false, value };
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

  /** Drops what is queued and ends. */
  async return(): Promise<IteratorResult<Value, undefined>> {
    this.#values.length = 0;
    this.end();
    return await Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
