import { isAbstractType, type FragmentDefinitionNode, type GraphQLObjectType, type GraphQLSchema, type InlineFragmentNode } from 'graphql';

/** Whether a fragment is for objects of this type: it has no type condition, or one that names the type, an interface or a union of it. */
export const appliesTo = (
  schema: GraphQLSchema,
  { typeCondition }: InlineFragmentNode | FragmentDefinitionNode,
  type: GraphQLObjectType,
): boolean => {
  if (typeCondition === undefined) return true;
  const of = schema.getType(typeCondition.name.value);
  return of === type || (isAbstractType(of) && schema.isSubType(of, type));
};
