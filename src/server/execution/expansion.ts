import { Kind, type DocumentNode, type SelectionSetNode } from 'graphql';

/** What a document comes to when each fragment stands wherever it is spread. */
export interface Expansion {
  /** Fields of the largest operation or fragment; infinite where fragments spread each other too often for a number. */
  readonly fields: number;
  /** Selection sets within each other. */
  readonly depth: number;
}

/** What stands in one definition itself. */
interface Own {
  fields: number;
  depth: number;
  /** The fragments that it spreads, each time, and in how deep a selection set. */
  readonly spreads: { readonly name: string; readonly depth: number }[];
}

const ownOf = (set: SelectionSetNode, depth: number, own: Own): Own => {
  own.depth = Math.max(own.depth, depth);
  for (const selection of set.selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      own.spreads.push({ name: selection.name.value, depth });
      continue;
    }
    if (selection.kind === Kind.FIELD) own.fields += 1;
    if (selection.selectionSet) ownOf(selection.selectionSet, depth + 1, own);
  }
  return own;
};

/**
 * Finds out what a document comes to, without expanding it: thirty fragments that each spread the next one twice are a thousand million fields in
 * some hundred tokens. Each definition is looked at once, and no recursion goes from fragment to fragment. A fragment that leads to itself counts
 * as nothing there, and is left to the validation.
 */
export const expansionOf = ({ definitions }: DocumentNode): Expansion => {
  const fragments = new Map<string, Own>();
  const roots: Own[] = [];
  for (const definition of definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION && definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const own = ownOf(definition.selectionSet, 1, { fields: 0, depth: 0, spreads: [] });
    roots.push(own);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, own);
  }
  const known = new Map<Own, Expansion>();
  const begun = new Set<Own>();
  for (const root of roots) {
    const stack = [root];
    for (let own = stack.at(-1); own !== undefined; own = stack.at(-1)) {
      const spread = own.spreads.flatMap(({ name, depth }) => {
        const fragment = fragments.get(name);
        return fragment === undefined ? [] : [{ fragment, depth }];
      });
      const unknown = begun.has(own) ? [] : spread.map(({ fragment }) => fragment).filter((fragment) => !begun.has(fragment));
      begun.add(own);
      if (unknown.length > 0) {
        stack.push(...new Set(unknown));
        continue;
      }
      stack.pop();
      if (known.has(own)) continue;
      const total = { fields: own.fields, depth: own.depth };
      for (const { fragment, depth } of spread) {
        const inner = known.get(fragment) ?? { fields: 0, depth: 0 };
        total.fields += inner.fields;
        total.depth = Math.max(total.depth, depth + inner.depth);
      }
      known.set(own, total);
    }
  }
  const all = [...known.values()];
  return { fields: Math.max(0, ...all.map(({ fields }) => fields)), depth: Math.max(0, ...all.map(({ depth }) => depth)) };
};
