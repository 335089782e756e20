import { test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { printedSchema } from '../../src/schema.js';
test('x', () => writeFileSync('/tmp/s2.graphql', printedSchema()));
