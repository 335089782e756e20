/** Why a password is easily guessed, for whoever reads no code. */
export const WEAKNESSES = {
  COMMON: 'It is one of those that many people have.',
  PERSONAL: 'It holds names or an address of its owner, and without them too little is left.',
  WORD: 'A word by itself is soon tried.',
  NAME: 'Names are soon tried.',
  KEYBOARD: 'Keys that lie beside each other are soon tried.',
  REPETITION: 'It repeats itself.',
  SEQUENCE: 'Letters or digits in their order are soon tried.',
  DATE: 'Dates and years are soon tried.',
  PREDICTABLE: 'It is short, or made of parts that are soon tried.',
} as const;

export type Weakness = keyof typeof WEAKNESSES;

/** How hard a password is to guess. */
export interface Strength {
  /** 0 is below a thousand guesses, 1 below a million, 2 below a hundred millions, 3 below ten thousand millions, 4 more. */
  readonly score: 0 | 1 | 2 | 3 | 4;
  /** Null for a password that is hard to guess. */
  readonly weakness: Weakness | null;
}
