import { isObjectType, type GraphQLSchema } from 'graphql';
import { builder } from './builder.js';
import { readId } from './ids.js';
import { BY_ID, READ, STATEMENT, lengthOf } from './price.js';

/*
 * The fields `node` and `nodes`. Clients store ids for a long time and write some by hand, so an id that cannot be resolved is not an
 * error: the answer is null, whatever the id contains.
 */

/** Whether an id is well formed and names a type that can be loaded by its id. */
const isLoadable = (globalId: string, schema: GraphQLSchema): boolean => {
  const type = schema.getType(readId(globalId)?.typename ?? '');
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
};

builder.queryField('node', (t) =>
  t.node({
    description: 'Any object by its global id; null when there is none with this id, or the viewer may not see it.',
    price: READ,
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    id: (_root, { id }, _context, { schema }) => (isLoadable(id, schema) ? id : null),
  }),
);

builder.queryField('nodes', (t) =>
  t.nodeList({
    description:
      'Several objects by their global ids, in the same order; null in the place of each that does not exist or that the viewer may not see.',
    args: { ids: t.arg.idList({ required: true, description: 'Their global ids.' }) },
    price: (args) => {
      const items = lengthOf(args['ids']);
      return { own: items * BY_ID, items, once: STATEMENT };
    },
    ids: (_root, { ids }, _context, { schema }) => ids.map((id) => (isLoadable(id, schema) ? id : null)),
  }),
);
