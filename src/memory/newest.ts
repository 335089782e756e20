/**
 * Puts an entry last in a map, whether or not it was there, and drops the first one when there are more than `max`. A map iterates in insertion
 * order, so the first is the one that was put longest ago.
 */
export const putLast = <Value>(map: Map<string, Value>, key: string, value: Value, max: number): void => {
  map.delete(key);
  map.set(key, value);
  const [oldest = key] = map.size > max ? map.keys() : [];
  if (oldest !== key) map.delete(oldest);
};
