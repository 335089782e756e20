import { Kind, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/process/schema.js';
import { exampleTabs } from '../../src/server/graphiql/graphiql.js';

for (const [index, { query, variables = '{}' }] of exampleTabs.entries()) {
  test(`the example tab ${index + 1} can be run as it is`, () => {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const needed = document.definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? (definition.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
        : [],
    );
    expect(new Set(Object.keys(JSON.parse(variables) as object))).toEqual(new Set(needed));
    for (const line of query.split('\n').filter((each) => each.startsWith('#'))) expect(line.length).toBeLessThanOrEqual(56);
  });
}
