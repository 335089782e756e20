import { READ } from '../../graphql/price.js';
import { mutation } from '../../graphql/mutation.js';
import { builder } from '../../graphql/builder.js';
import { Me } from '../account/schema.js';
import { findOperation, latestOperation } from '../operations/operations.js';
import { Operation } from '../operations/schema.js';
import { exportMyData } from './export.js';

mutation('exportMyData', {
  description:
    'Begins to write everything that is stored about the viewer into a ZIP of JSON and Markdown. Follow it by `operationChanged`: once it has succeeded, `Operation.file` is the ZIP, which is kept for some days. CONFLICT while one is being made; five in a day.',
  access: 'signedIn',
  scope: 'SESSION',
  limit: 'exportMyData',
  audit: 'inside',
  input: { description: 'Nothing has to be given.', fields: () => ({}) },
  run: async (_input, context) => ({ operationId: (await exportMyData(context)).id }),
  payload: {
    description: 'The work that has begun.',
    fields: (t) => ({
      operation: t.field({
        type: Operation,
        price: READ,
        description: 'How far it is.',
        resolve: ({ operationId }, _args, context) => findOperation(context, operationId),
      }),
    }),
  },
});

builder.prismaObjectFields(Me, (t) => ({
  dataExport: t.field({
    type: Operation,
    nullable: true,
    price: READ,
    description: 'The last export of what is stored about the viewer; null when there was none in the last 30 days.',
    resolve: (_me, _args, context) => latestOperation(context, 'exportMyData'),
  }),
}));
