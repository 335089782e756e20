import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary as common } from '@zxcvbn-ts/language-common';
import { dictionary as german } from '@zxcvbn-ts/language-de';
import { dictionary as english } from '@zxcvbn-ts/language-en';
import type { Strength, Weakness } from './strength.js';

/**
 * So many characters are looked at together, and so many ways to read digits as letters are tried: without these bounds 49 characters can take five seconds.
 * A longer password is looked at by its beginning and by its end.
 */
const WINDOW = 32;
const MAX_SUBSTITUTIONS = 10;

const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...common, ...english, ...german },
  graphs: adjacencyGraphs,
  l33tMaxSubstitutions: MAX_SUBSTITUTIONS,
  maxLength: WINDOW,
});

/** What the warnings of the library come down to. */
const MEANINGS: Readonly<Record<string, Weakness>> = {
  ...{ topTen: 'COMMON', topHundred: 'COMMON', common: 'COMMON', similarToCommon: 'COMMON', userInputs: 'PERSONAL', wordByItself: 'WORD' },
  ...{ namesByThemselves: 'NAME', commonNames: 'NAME', straightRow: 'KEYBOARD', keyPattern: 'KEYBOARD', simpleRepeat: 'REPETITION' },
  ...{ extendedRepeat: 'REPETITION', sequences: 'SEQUENCE', recentYears: 'DATE', dates: 'DATE' },
};

/** From this score on a password is strong. */
const STRONG = 3;

const estimateWindow = (password: string, personal: readonly string[]): Strength => {
  const { score, feedback } = zxcvbn.check(password, [...personal]);
  return { score, weakness: score >= STRONG ? null : (MEANINGS[feedback.warning ?? ''] ?? 'PREDICTABLE') };
};

const estimateEnds = (password: string, personal: readonly string[]): Strength => {
  const begin = estimateWindow(password.slice(0, WINDOW), personal);
  if (password.length <= WINDOW || begin.weakness === null) return begin;
  const end = estimateWindow(password.slice(-WINDOW), personal);
  return end.score > begin.score ? end : begin;
};

/** Shorter words of a name stand in passwords by chance. */
const SHORTEST_WORD = 3;

/** The words of what is known of a person, the longest first. */
const wordsOf = (personal: readonly string[]): readonly string[] =>
  [...new Set(personal.flatMap((text) => [text, ...text.split(/[^\p{L}\p{M}\p{N}]+/u)]).map((word) => word.toLowerCase()))]
    .filter((word) => word.length >= SHORTEST_WORD)
    .sort((one, other) => other.length - one.length);

/**
 * The strength of a password. The library takes a name, a dot, another name and a year for a sequence of four, which it thinks hard to guess; somebody who
 * knows the person begins with that. So what is left without their words must be strong, too.
 * @param personal what somebody who knows the person would try
 */
export const estimate = (password: string, personal: readonly string[]): Strength => {
  const words = wordsOf(personal);
  const whole = estimateEnds(password, words);
  const rest = words.reduce((left, word) => left.replaceAll(word, ''), password.toLowerCase());
  if (whole.weakness !== null || rest.length === password.length) return whole;
  const { score, weakness } = estimateEnds(rest, []);
  return weakness === null ? whole : { score, weakness: 'PERSONAL' };
};
