import { builder } from '../../graphql/builder.js';
import { decodeId } from '../../graphql/ids.js';
import { READ } from '../../graphql/price.js';
import { File } from '../files/schema.js';
import { visibleFile } from '../files/files.js';
import { findOperation, seenOperation } from './operations.js';
import { operationTopic, type OperationValue } from './topics.js';

const OperationState = builder.enumType('OperationState', {
  description: 'How far an operation is.',
  values: {
    WAITING: { description: 'It has not begun yet.' },
    RUNNING: { description: 'It is being done.' },
    SUCCEEDED: { description: 'It is done.' },
    FAILED: { description: 'It could not be done; `detail` says why.' },
    CANCELLED: { description: 'It was stopped.' },
  } as const,
});

export const Operation = builder.objectRef<OperationValue>('Operation').implement({
  description:
    'Work that goes on after the mutation which began it. Only whoever began it sees it: follow it by `operationChanged`. It is kept for 30 days after its end.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'The name of the mutation that began it.' }),
    state: t.expose('state', { type: OperationState, description: 'How far it is.' }),
    done: t.exposeInt('done', { description: 'How many of its steps are done.' }),
    total: t.exposeInt('total', { nullable: true, description: 'How many steps it has; null while that is not known.' }),
    detail: t.exposeString('detail', { nullable: true, description: 'What it is at or, once it has ended, what is to be said of it.' }),
    file: t.field({
      type: File,
      nullable: true,
      price: READ,
      description: 'The file that it has made; null until it has succeeded, where it makes none, and once the file was removed.',
      resolve: ({ fileId }, _args, context) => (fileId === null ? null : visibleFile(context, fileId)),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it ended; null while it goes on.' }),
    version: t.exposeInt('version', { description: 'Grows with every change.' }),
  }),
});

builder.nodeRef<OperationValue, string, typeof Operation>(Operation, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: (id, context) => seenOperation(context, id),
});

builder.queryField('operation', (t) =>
  t.field({
    type: Operation,
    nullable: true,
    authScopes: { signedIn: true },
    price: READ,
    description: 'An operation that the viewer has begun; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (_root, { id }, context) => seenOperation(context, decodeId('Operation', id, 'id')),
  }),
);

builder.subscriptionField('operationChanged', (t) =>
  t.topic({
    type: Operation,
    topic: operationTopic,
    description:
      'How far an operation of the viewer is: the present state at once, then every change. Changes in quick succession may be told as one; the last is always told.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    signedIn: true,
    authorize: async ({ id }, context) => ({ keys: [(await findOperation(context, decodeId('Operation', id, 'id'))).id] }),
    resolve: (operation) => operation,
  }),
);
