import { columnOf, tableOf, type Table, type Tables } from './datamodel.js';

/** What is read of a row, as Prisma writes it: some columns, or all of them, and relations to single rows. */
export interface Selection {
  readonly select?: Fields | undefined;
  readonly include?: Fields | undefined;
}
type Fields = Readonly<Record<string, unknown>>;

/** What is read of the rows of a table, as SQL, and how an array of their values becomes an object. */
export interface Reading {
  /** The columns to read, as SQL, in the order of the values. */
  readonly columns: readonly string[];
  readonly joins: readonly string[];
  /** The columns of the table itself that any of this needs, by their names in Prisma. */
  readonly own: ReadonlySet<string>;
  readonly decode: (values: readonly unknown[]) => Record<string, unknown>;
}

/** Plans what is read of the rows of a table; with further columns, of which cursors are made. */
export type PlanReading = (table: Table, selection: Selection, also: readonly string[]) => Reading;

/** The name of the table in a statement; joined tables are numbered after it. */
export const TABLE = 't';

/** Creates what plans readings: that of a selection once, for as long as the selection is used. */
export const createReadings = (tables: Tables): PlanReading => {
  const known = new WeakMap<Selection, Map<string, Reading>>();
  return (table, selection, also) => {
    const key = `${table.name} ${also.join()}`;
    const before = known.get(selection)?.get(key);
    if (before !== undefined) return before;
    const reading = planReading(tables, table, withColumns(selection, also));
    known.set(selection, (known.get(selection) ?? new Map<string, Reading>()).set(key, reading));
    return reading;
  };
};

/** The selection with further columns; one without `select` has them all. */
export const withColumns = (selection: Selection, columns: readonly string[]): Selection =>
  selection.select === undefined || columns.length === 0
    ? selection
    : { select: { ...selection.select, ...Object.fromEntries(columns.map((name) => [name, true])) } };

/** @throws for a selection that a list cannot read: a list within it, a count, or arguments of a relation */
const planReading = (tables: Tables, table: Table, selection: Selection): Reading => {
  const columns: string[] = [];
  const joins: string[] = [];
  const own = new Set<string>();
  let joined = 0;

  const read = (of: Table, as: string, { select, include }: Selection, isOwn: boolean): Reading['decode'] => {
    const wanted = Object.entries(select ?? include ?? {}).filter(([, value]) => value !== undefined && value !== false);
    const names = [...(select === undefined ? of.columns.keys() : wanted.flatMap(([name]) => (of.columns.has(name) ? [name] : [])))];
    const relations = wanted.flatMap(([name, nested]) => {
      if (of.columns.has(name)) return [];
      const relation = of.relations.get(name);
      if (relation === undefined || relation.isList || !relation.holdsKey) throw new Error(`A list cannot read "${of.name}.${name}".`);
      return [{ relation, nested: selectionOf(`${of.name}.${name}`, nested) }];
    });
    const from = columns.length;
    for (const name of names) columns.push(`${as}.${columnOf(of, name).sql}`);
    if (isOwn) for (const name of [...names, ...relations.map(({ relation }) => relation.key)]) own.add(name);
    const others = relations.map(({ relation, nested }) => {
      const target = tableOf(tables, relation.target);
      joined += 1;
      const other = `${TABLE}_${joined}`;
      const id = columns.push(`${other}.${columnOf(target, 'id').sql}`) - 1;
      joins.push(`LEFT JOIN ${target.sql} ${other} ON ${other}.${columnOf(target, 'id').sql} = ${as}.${columnOf(of, relation.key).sql}`);
      return { name: relation.name, id, decode: read(target, other, nested, false) };
    });
    // A copy of an object with all names does not grow when they get their values.
    const blank = Object.fromEntries([...names, ...others.map(({ name }) => name)].map((name) => [name, undefined]));
    return (values) => {
      const row: Record<string, unknown> = { ...blank };
      let index = from;
      for (const name of names) row[name] = values[index++];
      for (const { name, id, decode } of others) row[name] = values[id] === null ? null : decode(values);
      return row;
    };
  };

  const decode = read(table, TABLE, selection, true);
  return { columns, joins, own, decode };
};

const selectionOf = (what: string, nested: unknown): Selection => {
  if (nested === true) return {};
  const { select, include, ...args } = nested as Selection;
  if (Object.keys(args).length > 0) throw new Error(`A list cannot read "${what}" with arguments.`);
  return { select, include };
};
