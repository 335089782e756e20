/** The longest wait of a request for Redis, in milliseconds; then it goes on without. */
const REDIS_WAIT_MS = 250;

/**
 * Rejects when Redis has not answered for {@link REDIS_WAIT_MS}. Time in which the event loop was blocked does not count: after a blocked
 * second the answer already lies in the socket, and `setImmediate` lets it be read before the timeout rejects.
 */
export const inTime = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(reject, new Error(`no answer for ${REDIS_WAIT_MS} ms`)), REDIS_WAIT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};
