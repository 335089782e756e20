import { describe, expect, it } from 'vitest';
import { createHoldBack } from '../../src/access/holding.js';

const refuse = (name: string) => (): void => {
  throw new Error(name);
};

describe('a refusal', () => {
  it('is told after what others have asked for meanwhile', async () => {
    const holdBack = createHoldBack();
    const told: string[] = [];
    const refused = holdBack(refuse('refused'))?.catch((error: unknown) => told.push((error as Error).message));
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    told.push('another');
    await refused;
    expect(told).toEqual(['another', 'refused']);
  });

  it('is told at once when very many are held back', async () => {
    const holdBack = createHoldBack();
    const told: string[] = [];
    for (let n = 0; n <= 1_000; n += 1) holdBack(refuse(String(n)))?.catch((error: unknown) => told.push((error as Error).message));
    await expect.poll(() => told).toHaveLength(1_001);
    expect(told[0]).toBe('1000');
  });

  it('keeps nobody waiting who is not refused', () => {
    expect(createHoldBack()(() => undefined)).toBeNull();
  });
});
