import { parse, type Token } from '@messageformat/parser';
import type { ReactNode } from 'react';

const parsed = new Map<string, readonly Token[]>();
const tokensOf = (message: string): readonly Token[] => {
  let tokens = parsed.get(message);
  if (!tokens) parsed.set(message, (tokens = parse(message)));
  return tokens;
};

const rules = new Map<string, Intl.PluralRules>();
const ruleOf = (language: string, type: 'cardinal' | 'ordinal'): Intl.PluralRules => {
  const key = `${language} ${type}`;
  let rule = rules.get(key);
  if (!rule) rules.set(key, (rule = new Intl.PluralRules(language, { type })));
  return rule;
};

type Values = Readonly<Record<string, unknown>>;

const partsOf = (tokens: readonly Token[], values: Values, language: string, counted: number): unknown[] =>
  tokens.flatMap((token): unknown[] => {
    if (token.type === 'content') return [token.value];
    if (token.type === 'octothorpe') return [new Intl.NumberFormat(language).format(counted)];
    const value = values[token.arg];
    if (token.type === 'argument' || token.type === 'function')
      return [typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value];
    const { cases } = token;
    const count = Number(value) - (token.pluralOffset ?? 0);
    const wanted =
      token.type === 'select'
        ? [String(value)]
        : [`=${String(value)}`, ruleOf(language, token.type === 'plural' ? 'cardinal' : 'ordinal').select(count)];
    const chosen = [...wanted, 'other'].map((key) => cases.find((each) => each.key === key)).find((each) => each !== undefined);
    return chosen ? partsOf(chosen.tokens, values, language, count) : [];
  });

/** A message of ICU MessageFormat with its values. */
export const format = (message: string, values: Values, language: string): string =>
  partsOf(tokensOf(message), values, language, 0).map(String).join('');

/** The same with values that are elements, such as a link. */
export const formatRich = (message: string, values: Values, language: string): ReactNode[] =>
  partsOf(tokensOf(message), values, language, 0) as ReactNode[];
