import { ADMINISTRATOR, rulesOf } from '../../access/rules.js';

export const can = rulesOf({ see: ADMINISTRATOR });
