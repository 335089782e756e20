import { randomUUID } from 'node:crypto';
import { fixedKeys, openSigningKeys, readKeys } from '../../src/access/signing-keys.js';
import type { Clock } from '../../src/clock.js';
import type { Config } from '../../src/config.js';
import { createTokens, type Tokens } from '../../src/domains/account/tokens.js';
import type { TestApp } from './app.js';

/** Signs with the keys of an app, with some of its settings changed. */
export const tokensOf = async ({ services }: TestApp, jwt: Partial<Config['jwt']> = {}): Promise<Tokens> => {
  const config = { ...services.config, jwt: { ...services.config.jwt, ...jwt } };
  const keys = await openSigningKeys({ ...services, config, processId: randomUUID() });
  await keys.stop();
  return createTokens({ config, keys, clock: services.clock });
};

/** Signs with a key, at another time or for another audience. */
export const tokensWith = async (pem: string, config: Pick<Config, 'jwt'>, clock: Clock): Promise<Tokens> =>
  createTokens({ config, keys: fixedKeys(await readKeys(pem, 'JWT_PRIVATE_KEY')), clock });
