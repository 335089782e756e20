/** Whether a value of JSON is an object. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a value of JSON nests deeper than this many objects and lists. It goes no deeper than that itself, so it does not exhaust the stack. */
export const nestsDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((each) => nestsDeeper(each, levels - 1));
  for (const name in value) if (nestsDeeper((value as Record<string, unknown>)[name], levels - 1)) return true;
  return false;
};
