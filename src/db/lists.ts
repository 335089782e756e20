import type PrismaTypes from './generated/pothos-types.js';
import type { Prisma } from './generated/prisma/client.js';
import { createConditions, Parameters } from './conditions.js';
import { columnOf, tableOf, type Table, type Tables } from './datamodel.js';
import type { KeysetColumn, KeysetValue, PageBounds } from './keyset.js';
import { TABLE, type PlanReading, type Selection } from './list-rows.js';

/*
 * Lists as data: a description of a list becomes one statement, whatever it selects and for however many parents. Prisma would read the same
 * rows; what it takes to build, send and map its statements is several times the work of reading the rows.
 */

export type ModelName = keyof PrismaTypes;
export type RowOf<Model extends ModelName> = PrismaTypes[Model]['Shape'];

/** A list of the rows of a model. */
export interface RootList<Model extends ModelName> {
  readonly model: Model;
  /** Prisma's conditions, as far as {@link createConditions} knows them. */
  readonly where?: PrismaTypes[Model]['Where'];
  /** A further condition in SQL on the columns of the table, such as a search, or where others make a bad plan. */
  readonly condition?: Prisma.Sql | undefined;
  /** SQL of one's own for the part that is read, where conditions make a bad plan: a subquery with the column `id`. */
  readonly among?: (part: Part) => Prisma.Sql;
}

export type ListRelation<Model extends ModelName> = PrismaTypes[Model]['ListRelations'] & keyof PrismaTypes[Model]['Relations'];
/** The model that a relation leads to. */
export type Related<Model extends ModelName, Relation> = Relation extends keyof PrismaTypes[Model]['Relations']
  ? PrismaTypes[Model]['Relations'][Relation] extends { readonly Name: infer Name extends ModelName }
    ? Name
    : never
  : never;

/** A list for each of several rows of a model: what a relation of theirs leads to. */
export interface ChildList<Model extends ModelName, Relation extends ListRelation<Model>> {
  readonly model: Model;
  readonly relation: Relation;
  readonly where?: PrismaTypes[Related<Model, Relation>]['Where'];
  /** A further condition in SQL on the columns of the table. */
  readonly condition?: Prisma.Sql | undefined;
  /** A condition on the parents: those for which it does not hold have an empty list. */
  readonly parents?: PrismaTypes[Model]['Where'];
}

/** Which part of a list is read, in which order. */
export interface Part {
  readonly columns: readonly Pick<KeysetColumn<never>, 'field' | 'direction'>[];
  readonly bounds: PageBounds;
  readonly take: number;
}

/** The first rows by their ids, which are all when there are no more: of a list that is named by keys. */
export const firstById = (take: number): Part => ({
  columns: [{ field: 'id', direction: 'asc' }],
  bounds: { after: null, before: null, backward: false },
  take,
});

/** A statement whose rows are arrays of values. */
export interface ListStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Whether a plan that is made without knowing the values serves them all; not where one looks for words. */
  readonly isGeneral: boolean;
}

/** Sends a statement and gives its rows, with the values that Prisma would give. */
export type SendList = (statement: ListStatement) => Promise<readonly (readonly unknown[])[]>;

/** Reads lists. Every value of a row is what Prisma would give. */
export interface Lists {
  readonly root: <Model extends ModelName>(list: RootList<Model>, part: Part, selection: Selection) => Promise<RowOf<Model>[]>;
  /** How many rows a list has, of which no more are read than the part takes. */
  readonly count: <Model extends ModelName>(list: RootList<Model>, part: Part) => Promise<number>;
  /** @returns the rows of each parent that has any, by its id */
  readonly children: <Model extends ModelName, Relation extends ListRelation<Model>>(
    list: ChildList<Model, Relation>,
    parentIds: readonly string[],
    part: Part,
    selection: Selection,
  ) => Promise<ReadonlyMap<string, RowOf<Related<Model, Relation>>[]>>;
}

export const createLists = (tables: Tables, planReading: PlanReading, send: SendList): Lists => ({
  root: async (list, part, selection) => {
    const table = tableOf(tables, list.model);
    const reading = planReading(table, selection, namesOf(part));
    const { page, order, values } = pageOf(tables, table, list, part);
    const sql =
      reading.joins.length === 0
        ? // eslint-disable-next-line no-restricted-syntax -- names of the data model; values are parameters
          `SELECT ${named(reading.columns)} ${page}`
        : // The page first, then what belongs to its rows.
          // eslint-disable-next-line no-restricted-syntax -- the same
          `SELECT ${named(reading.columns)} FROM (SELECT ${ownColumns(table, reading.own)} ${page}) ${TABLE} ${reading.joins.join(' ')} ORDER BY ${order}`;
    const rows = await send({ sql, values, isGeneral: isGeneral(sql) });
    return rows.map(reading.decode) as RowOf<typeof list.model>[];
  },

  count: async (list, part) => {
    const { page, values } = pageOf(tables, tableOf(tables, list.model), list, part);
    // eslint-disable-next-line no-restricted-syntax -- names of the data model; values are parameters
    const sql = `SELECT count(*)::int AS c0 FROM (SELECT 1 ${page}) counted`;
    const [[count] = []] = await send({ sql, values, isGeneral: isGeneral(sql) });
    return count as number;
  },

  children: async <Model extends ModelName, Relation extends ListRelation<Model>>(
    { model, relation: name, where = {}, condition, parents }: ChildList<Model, Relation>,
    parentIds: readonly string[],
    part: Part,
    selection: Selection,
  ) => {
    const parent = tableOf(tables, model);
    const relation = parent.relations.get(name);
    if (relation === undefined) throw new Error(`There is no relation "${model}.${name}".`);
    const table = tableOf(tables, relation.target);
    const reading = planReading(table, selection, namesOf(part));
    const parameters = new Parameters();
    const whereOf = createConditions(tables, parameters);
    const ids = `unnest(${parameters.add(parentIds)}::uuid[]) AS parent(id)`;
    const from =
      parents === undefined
        ? ids
        : `${ids} JOIN ${parent.sql} p ON p.${columnOf(parent, 'id').sql} = parent.id AND ${whereOf(parent, 'p', parents)}`;
    const conditions = [
      `${TABLE}.${columnOf(table, relation.key).sql} = parent.id`,
      whereOf(table, TABLE, where),
      ...boundsOf(table, part, parameters),
      ...(condition === undefined ? [] : [parameters.fragment(condition)]),
    ];
    const order = orderOf(table, part);
    // eslint-disable-next-line no-restricted-syntax -- names of the data model; values are parameters
    const sql = `SELECT ${named(['parent.id', ...reading.columns])} FROM ${from}
      CROSS JOIN LATERAL (
        SELECT ${ownColumns(table, reading.own)} FROM ${table.sql} ${TABLE} WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${part.take}
      ) ${TABLE} ${reading.joins.join(' ')} ORDER BY ${order}`;
    const rows = await send({ sql, values: parameters.values, isGeneral: isGeneral(sql) });
    const byParent = new Map<string, RowOf<Related<Model, Relation>>[]>();
    for (const [id, ...values] of rows) {
      const row = reading.decode(values) as RowOf<Related<Model, Relation>>;
      const found = byParent.get(id as string);
      if (found === undefined) byParent.set(id as string, [row]);
      else found.push(row);
    }
    return byParent;
  },
});

/** What a statement reads of a list that stands by itself, from its FROM on. */
const pageOf = <Model extends ModelName>(
  tables: Tables,
  table: Table,
  { where = {}, condition, among }: RootList<Model>,
  part: Part,
): { readonly page: string; readonly order: string; readonly values: readonly unknown[] } => {
  const parameters = new Parameters();
  const conditions = [createConditions(tables, parameters)(table, TABLE, where), ...boundsOf(table, part, parameters)];
  if (condition !== undefined) conditions.push(parameters.fragment(condition));
  if (among !== undefined) conditions.push(`${TABLE}.${columnOf(table, 'id').sql} IN (${parameters.fragment(among(part))})`);
  const order = orderOf(table, part);
  const page = `FROM ${table.sql} ${TABLE} WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${part.take}`;
  return { page, order, values: parameters.values };
};

/** One looks for words by a plan that is made for them: those that are rare by their index, others along the order of the list. */
const isGeneral = (sql: string): boolean => !sql.includes(' LIKE ');

/** Each column with a name of its own: Prisma gives rows by name. */
const named = (columns: readonly string[]): string => columns.map((column, index) => `${column} AS c${index}`).join(', ');

/** The columns of the order, of which cursors are made. */
const namesOf = ({ columns }: Part): readonly string[] => columns.map(({ field }) => field);

const ownColumns = (table: Table, names: ReadonlySet<string>): string =>
  [...names].map((name) => `${TABLE}.${columnOf(table, name).sql}`).join(', ');

const isDescending = ({ direction }: Part['columns'][number], backward: boolean): boolean => (direction === 'desc') !== backward;

const orderOf = (table: Table, { columns, bounds }: Part): string =>
  columns
    .map((column) => `${TABLE}.${columnOf(table, column.field).sql} ${isDescending(column, bounds.backward) ? 'DESC' : 'ASC'}`)
    .join(', ');

/** The conditions for the rows after and before the bounds. */
const boundsOf = (table: Table, { columns, bounds }: Part, parameters: Parameters): string[] => {
  const beyond = (values: readonly KeysetValue[] | null, side: 'after' | 'before'): string[] => {
    if (values === null) return [];
    const compared = columns.map((column, index) => ({
      sql: `${TABLE}.${columnOf(table, column.field).sql}`,
      operator: (column.direction === 'asc') === (side === 'after') ? '>' : '<',
      value: parameters.add(values[index]),
    }));
    const [first] = compared;
    if (first === undefined) return [];
    // Columns of one direction are compared as a row, which an index over them serves as a whole.
    if (compared.every(({ operator }) => operator === first.operator)) {
      const row = compared.length === 1 ? first.sql : `(${compared.map(({ sql }) => sql).join(', ')})`;
      const value = compared.length === 1 ? first.value : `(${compared.map((each) => each.value).join(', ')})`;
      return [`${row} ${first.operator} ${value}`];
    }
    const alternatives = compared.map(
      ({ sql, operator, value }, index) =>
        `(${[...compared.slice(0, index).map((tied) => `${tied.sql} = ${tied.value}`), `${sql} ${operator} ${value}`].join(' AND ')})`,
    );
    return [`${first.sql} ${first.operator}= ${first.value}`, `(${alternatives.join(' OR ')})`];
  };
  return [...beyond(bounds.after, 'after'), ...beyond(bounds.before, 'before')];
};
