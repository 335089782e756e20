import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { findSecrets } from '../../scripts/secrets.js';

/** Put together here, so that this file does not hold what is looked for. */
const joined = (...parts: string[]): string => parts.join('');

it.each([
  [
    'a private key',
    generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim(),
  ],
  ['a token of npm', joined('npm', '_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8')],
  ['a token of GitHub', joined('ghp', '_', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx')],
  ['the address of a database with its password', joined('postgresql', '://lyceum:', 'fJ3kd92lsQ', '@db.internal:5432/lyceum')],
])('finds %s in a file, and does not repeat it', async (_what, secret) => {
  const found = await findSecrets({ file: 'notes.md', content: `# Notes\n\n${secret}\n`, ext: '.md' });
  expect(found).toMatchObject([{ line: 3 }]);
  expect(found[0]?.message).not.toContain(secret);
});

it('finds nothing in what only looks like one', async () => {
  const content = 'Set `JWT_PRIVATE_KEY` to the key, and DATABASE_URL to postgresql://USER:PASSWORD@HOST/NAME.';
  expect(await findSecrets({ file: 'README.md', content, ext: '.md' })).toEqual([]);
});
