import type { Env } from 'markdown-it';
import { createParser } from './parser.js';
import { mentionsOf } from './rules/mentions.js';

const parser = createParser({ mentions: true });

/** The usernames that a text mentions, as they are written: those of which its HTML makes links. */
export const mentionsIn = (source: string): readonly string[] => {
  if (!source.includes('@')) return [];
  const env: Env = {};
  parser.parse(source, env);
  return mentionsOf(env);
};
