import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';

export interface FoundSecret {
  readonly line: number;
  readonly message: string;
}

/** Looks for keys, tokens and passwords of known forms in the text of a file. The messages do not repeat them. */
export const findSecrets = async (given: {
  readonly file: string;
  readonly content: string;
  readonly ext: string;
}): Promise<readonly FoundSecret[]> => {
  const { messages } = await lintSource({
    source: { filePath: given.file, content: given.content, ext: given.ext, contentType: 'text' },
    options: { config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] }, maskSecrets: true },
  });
  return messages.map(({ loc, message }) => ({ line: loc.start.line, message }));
};
