/** The machine's monotonic clock in milliseconds: the same for every process on it, so times of two of them may be compared. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
