import { parentPort } from 'node:worker_threads';
import { estimate } from './estimate.js';

/** What the thread is asked; it answers with a `Strength`. */
export interface Question {
  readonly password: string;
  readonly personal: readonly string[];
}

parentPort?.on('message', ({ password, personal }: Question) => parentPort?.postMessage(estimate(password, personal)));
