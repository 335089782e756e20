import { valueFromASTUntyped, type FieldNode, type OperationDefinitionNode } from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

/** The default values of an operation's variables. */
export const defaultsOf = ({ variableDefinitions = [] }: OperationDefinitionNode): Variables =>
  Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );

/** The arguments of a field as they were written, whatever their types are; without those whose variable was left out. */
export const argumentsOf = ({ arguments: given = [] }: FieldNode, variables: Variables): Variables =>
  Object.fromEntries(
    given.flatMap(({ name, value }) => {
      const untyped: unknown = valueFromASTUntyped(value, variables);
      return untyped === undefined ? [] : [[name.value, untyped]];
    }),
  );
