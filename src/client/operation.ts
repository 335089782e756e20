/** What holds no syntax: strings, block strings and comments. */
const OPAQUE = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*/g;
const BRACKET_OR_WORD = /[{}()[\]]|[$@]?[_A-Za-z]\w*/g;

const withoutOpaque = (query: string): string => query.replace(OPAQUE, ' ');

/**
 * Whether a request is a subscription, from its text alone, since a client should not need a parser for it: the words before an outer brace
 * are an operation's kind and its name.
 */
export const isSubscription = (query: string, operationName?: string | null): boolean => {
  let depth = 0;
  let words: string[] = [];
  for (const [token] of withoutOpaque(query).matchAll(BRACKET_OR_WORD)) {
    if (token === '{' && depth === 0) {
      const [kind, name] = words;
      if (kind === 'subscription' && (operationName === undefined || operationName === null || operationName === name)) return true;
      words = [];
    }
    if ('{(['.includes(token)) depth += 1;
    else if ('})]'.includes(token)) depth -= 1;
    else if (depth === 0) words.push(token);
  }
  return false;
};

/** Whether an operation declares a variable: only there does a colon follow it. */
export const declaresVariable = (query: string, name: string): boolean =>
  new RegExp(`\\$${name}(?!\\w)[\\s,]*:`).test(withoutOpaque(query));
