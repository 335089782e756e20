import {
  coerceInputValue,
  getOperationAST,
  GraphQLError,
  isInputType,
  isNonNullType,
  isSpecifiedScalarType,
  getNamedType,
  isScalarType,
  typeFromAST,
  isInputObjectType,
  isListType,
  type ExecutionArgs,
  type GraphQLInputType,
  type VariableDefinitionNode,
} from 'graphql';
import { fieldErrors, MAX_FIELD_ERRORS, type FieldError } from '../../errors.js';

/** The variables that the operation declares; a client may send any others. */
export const declaredVariables = ({
  document,
  operationName,
  variableValues,
}: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>): Readonly<Record<string, unknown>> => {
  const values = variableValues ?? {};
  const names = (getOperationAST(document, operationName)?.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
  return Object.fromEntries(names.filter((name) => Object.hasOwn(values, name)).map((name) => [name, values[name]]));
};

/**
 * Errors about the variables of an operation, or null when there are none. They replace those of graphql-js, which repeat the given values,
 * passwords included.
 */
export const variableErrors = ({ schema, document, operationName, variableValues }: ExecutionArgs): GraphQLError[] | null => {
  const errors: GraphQLError[] = [];
  const operation = getOperationAST(document, operationName);
  for (const definition of operation?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    if (!isInputType(type)) continue;
    for (const mistake of mistakesIn(definition, type, name, variableValues ?? {})) {
      const error = fieldErrors('BAD_USER_INPUT', [mistake]);
      errors.push(new GraphQLError(`Variable "$${name}": ${error.message}`, { nodes: definition, extensions: error.extensions }));
      if (errors.length >= MAX_FIELD_ERRORS) return errors;
    }
  }
  return errors.length === 0 ? null : errors;
};

/** Thrown to stop the coercion after enough errors. */
const ENOUGH = new Error('No more mistakes are told.');

const mistakesIn = (
  definition: VariableDefinitionNode,
  type: GraphQLInputType,
  name: string,
  values: Readonly<Record<string, unknown>>,
): readonly FieldError[] => {
  const required = (): readonly FieldError[] => [{ path: name, code: 'REQUIRED', message: 'Must be given.' }];
  if (!Object.hasOwn(values, name)) return isNonNullType(type) && definition.defaultValue === undefined ? required() : [];
  if (values[name] === null) return isNonNullType(type) ? required() : [];
  const mistakes: FieldError[] = [];
  try {
    coerceInputValue(values[name], type, (path, _value, error) => {
      mistakes.push({ path: [name, ...path].join('.'), ...whatIsWrong(error, at(type, path)) });
      if (mistakes.length >= MAX_FIELD_ERRORS) throw ENOUGH;
    });
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return mistakes;
};

/** The input type at a path of a value. */
const at = (type: GraphQLInputType, path: readonly (string | number)[]): GraphQLInputType => {
  let found = type;
  for (const part of path) {
    const bare = isNonNullType(found) ? found.ofType : found;
    const next = isListType(bare)
      ? typeof part === 'number'
        ? bare.ofType
        : undefined
      : isInputObjectType(bare)
        ? bare.getFields()[part]?.type
        : undefined;
    if (next === undefined) return found;
    found = next;
  }
  return found;
};

const whatIsWrong = (error: GraphQLError, type: GraphQLInputType): Pick<FieldError, 'code' | 'message'> => {
  const { message, originalError } = error;
  const missing = /^Field "(\w+)" of required type/.exec(message)?.[1];
  if (missing !== undefined) return { code: 'REQUIRED', message: `Field "${missing}" must be given.` };
  if (/^Exactly one key must be specified/.test(message)) return { code: 'EXCLUSIVE', message: 'Exactly one field must be given.' };
  if (/^Expected non-nullable type|^Field "\w+" must be non-null/.test(message)) return { code: 'REQUIRED', message: 'Must not be null.' };
  const unknown = /^Field "(\w+)" is not defined by type "(\w+)"/.exec(message);
  if (unknown) return { code: 'INVALID_TYPE', message: `Field "${unknown[1] ?? ''}" is not defined by type "${unknown[2] ?? ''}".` };
  // Messages of our own scalars name the expected form, never the given value.
  const named = getNamedType(type);
  if (originalError && isScalarType(named) && !isSpecifiedScalarType(named))
    return { code: 'INVALID_FORMAT', message: originalError.message };
  return { code: 'INVALID_TYPE', message: `Expected a value of type "${String(type)}".` };
};
