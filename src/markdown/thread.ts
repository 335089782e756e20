import { readlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { destinationsIn } from './destinations.js';
import { firstHeading } from './first-heading.js';
import { mentionsIn } from './mentions.js';
import { renderMarkdown } from './render.js';
import type { Kind, Question, Reply, Works } from './work.js';

const WORKS: { readonly [K in Kind]: (question: Question<K>) => Works[K]['answer'] } = {
  html: ({ source, ...rendering }) => renderMarkdown(source, rendering),
  mentions: ({ source }) => mentionsIn(source),
  destinations: ({ source }) => destinationsIn(source),
  firstHeading: ({ source }) => firstHeading(source),
};

/** On Linux; null elsewhere. */
const threadId = (): number | null => {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return null;
  }
};

const answerTo = <K extends Kind>(question: Question<K>): Reply => {
  try {
    return { kind: 'answer', answer: WORKS[question.kind](question) };
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
};

const say = (reply: Reply): void => parentPort?.postMessage(reply);

parentPort?.on('message', (question: Question) => say(answerTo(question)));
// Once in its life each parser is slow: nobody's text is to pay for it.
renderMarkdown('# `a`\n\n- [ ] *a* :tada: $a$\n\n```js\na\n```\n', { mentions: true });
say({ kind: 'ready', threadId: threadId() });
