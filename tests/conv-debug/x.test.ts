import { test } from 'vitest';
import { startTestApp } from '../kit/app.js';
test('x', async () => {
  const app = await startTestApp();
  const { transact, prisma } = app.services.db;
  const one = async () => await transact(async (tx) => {
    const [a] = await tx.$queryRaw<any[]>`SELECT pg_backend_pid() AS pid, txid_current()::text AS x`;
    const [b] = await tx.$queryRaw<any[]>`SELECT pg_backend_pid() AS pid, txid_current()::text AS x`;
    const c = await tx.user.count();
    const [d] = await (Object.getPrototypeOf(tx)).$queryRaw`SELECT pg_backend_pid() AS pid, txid_current()::text AS x`;
    return [a, b, c, d];
  });
  console.log(JSON.stringify(await one()));
  console.log(JSON.stringify(await Promise.all([one(), one(), one(), one()])));
  await app.stop();
});
