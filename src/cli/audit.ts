import type { Services } from '../context.js';
import { verifyAudit } from '../domains/audit/seals.js';

/**
 * Prints what a look over the audit has found.
 * @param known a head of the chain that was logged earlier
 * @returns the exit code
 */
export const runAuditVerify = async (services: Pick<Services, 'db'>, known: string | null): Promise<number> => {
  const { sealed, unsealed, head, faults } = await verifyAudit(services, known);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(`${sealed} events are sealed, ${unsealed} are not yet. Head: ${head ?? 'none'}\n`);
  if (faults.length === 0) process.stdout.write('The audit is whole.\n');
  return faults.length === 0 ? 0 : 1;
};
