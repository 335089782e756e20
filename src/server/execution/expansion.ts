import { Kind, type DocumentNode, type SelectionSetNode } from 'graphql';

/** The size of a document after all fragment spreads are replaced by their content. */
export interface Expansion {
  /** Fields of the largest operation or fragment; Infinity when the number exceeds what can be represented. */
  readonly fields: number;
  /** The depth of nested selection sets. */
  readonly depth: number;
  /** The most root fields that an operation has. */
  readonly rootFields: number;
}

/** The content of one definition without the fragments that it spreads. */
interface Own {
  readonly isOperation: boolean;
  fields: number;
  depth: number;
  /** Those of its fields that are below no other. */
  rootFields: number;
  /** Every spread of a fragment, the depth of the selection set it stands in, and whether it is below no field. */
  readonly spreads: { readonly name: string; readonly depth: number; readonly isRoot: boolean }[];
}

const ownOf = (set: SelectionSetNode, depth: number, isRoot: boolean, own: Own): Own => {
  own.depth = Math.max(own.depth, depth);
  for (const selection of set.selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      own.spreads.push({ name: selection.name.value, depth, isRoot });
      continue;
    }
    const isField = selection.kind === Kind.FIELD;
    if (isField) own.fields += 1;
    if (isField && isRoot) own.rootFields += 1;
    if (selection.selectionSet) ownOf(selection.selectionSet, depth + 1, isRoot && !isField, own);
  }
  return own;
};

/**
 * Computes the expanded size without expanding: thirty fragments that each spread the next one twice have 10^9 fields in a few hundred
 * tokens. Each definition is visited once, and there is no recursion from fragment to fragment. A spread that closes a cycle counts as
 * nothing; the validation reports it.
 */
export const expansionOf = ({ definitions }: DocumentNode): Expansion => {
  const fragments = new Map<string, Own>();
  const roots: Own[] = [];
  for (const definition of definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION && definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const isOperation = definition.kind === Kind.OPERATION_DEFINITION;
    const own = ownOf(definition.selectionSet, 1, true, { isOperation, fields: 0, depth: 0, rootFields: 0, spreads: [] });
    roots.push(own);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, own);
  }
  const known = new Map<Own, Expansion>();
  const begun = new Set<Own>();
  for (const root of roots) {
    const stack = [root];
    for (let own = stack.at(-1); own !== undefined; own = stack.at(-1)) {
      const spread = own.spreads.flatMap(({ name, ...place }) => {
        const fragment = fragments.get(name);
        return fragment === undefined ? [] : [{ fragment, ...place }];
      });
      const unknown = begun.has(own) ? [] : spread.map(({ fragment }) => fragment).filter((fragment) => !begun.has(fragment));
      begun.add(own);
      if (unknown.length > 0) {
        stack.push(...new Set(unknown));
        continue;
      }
      stack.pop();
      if (known.has(own)) continue;
      const total = { fields: own.fields, depth: own.depth, rootFields: own.rootFields };
      for (const { fragment, depth, isRoot } of spread) {
        const inner = known.get(fragment) ?? { fields: 0, depth: 0, rootFields: 0 };
        total.fields += inner.fields;
        if (isRoot) total.rootFields += inner.rootFields;
        total.depth = Math.max(total.depth, depth + inner.depth);
      }
      known.set(own, total);
    }
  }
  const all = [...known.values()];
  return {
    fields: Math.max(0, ...all.map(({ fields }) => fields)),
    depth: Math.max(0, ...all.map(({ depth }) => depth)),
    rootFields: Math.max(0, ...roots.map((root) => (root.isOperation ? (known.get(root)?.rootFields ?? 0) : 0))),
  };
};
