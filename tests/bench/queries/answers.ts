/** Whether all who are asked answer the same: with other ids, other envelopes around lists and other forms of a time, but the same. */
import { isDeepStrictEqual } from 'node:util';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const plainText = (text: string): string => {
  if (TIME.test(text)) return new Date(text).toISOString();
  if (!/^[\w+/=-]{40,}$/.test(text)) return text;
  return UUID.exec(text)?.[0] ?? UUID.exec(Buffer.from(text, 'base64').toString('utf8'))?.[0] ?? text;
};

/** A value without what differs between schemas: ids are those of rows, lists are lists, times are in one form. */
const plain = (value: Json): Json => {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const { edges, nodes } = value;
  if (Array.isArray(edges)) return edges.map((edge: Json) => plain(isObject(edge) ? (edge['node'] ?? null) : null));
  if (Array.isArray(nodes)) return nodes.map(plain);
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, plain(value[name] ?? null)]));
};

/** The value of the first property of this name, however deep. */
const find = (value: Json, name: string): Json | undefined => {
  if (!isObject(value) && !Array.isArray(value)) return undefined;
  if (isObject(value) && Object.hasOwn(value, name)) return value[name];
  for (const inner of Object.values(value) as Json[]) {
    const found = find(inner, name);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Every value of properties of this name. */
export const collect = (value: unknown, name: string): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === name && typeof inner === 'string' ? [inner] : collect(inner, name)));
};

/** What an answer says under `answer`, in the form that all share. */
export const answerIn = (body: string): Json => {
  const found = find(JSON.parse(body) as Json, 'answer');
  if (found === undefined) throw new Error(`There is no answer in ${body.slice(0, 500)}`);
  return plain(found);
};

/** Fails unless the answers to one question say the same, one for each peer. */
export const assertSame = (question: string, bodies: ReadonlyMap<string, string>): void => {
  const [[first = '', body = ''] = [], ...others] = bodies;
  const expected = answerIn(body);
  if (expected === null || isDeepStrictEqual(expected, [])) throw new Error(`${question}: ${first} answers nothing: ${body.slice(0, 500)}`);
  for (const [name, other] of others) {
    const given = answerIn(other);
    if (isDeepStrictEqual(given, expected)) continue;
    throw new Error(
      `${question}: ${first} and ${name} do not answer the same:\n${JSON.stringify(expected).slice(0, 1_500)}\n${JSON.stringify(given).slice(0, 1_500)}`,
    );
  }
};
