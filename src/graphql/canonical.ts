/**
 * The canonical text of a value that graphql-js has coerced: two values have the same text only if no resolver could tell them apart. It is
 * part of the key by which executions are shared.
 * @throws for a value that a scalar makes and that this function does not know
 */
export const canonical = (value: unknown): string => {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'boolean' || value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (isPlain(value))
    return `{${Object.entries(value)
      .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
      .join()}}`;
  throw new Error('This value has no canonical form.');
};

const isPlain = (value: unknown): value is object => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};
