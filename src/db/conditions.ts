import type { Prisma } from './generated/prisma/client.js';
import { columnOf, tableOf, type Table, type Tables } from './datamodel.js';

/** Collects the values of a statement. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Adds a value and gives its place in the statement. */
  add(value: unknown): string {
    // A time is sent in UTC, as Prisma does; pg would send it in the zone of the process.
    this.values.push(value instanceof Date ? value.toISOString() : value);
    return `$${this.values.length}`;
  }

  /** A fragment of SQL with its values. */
  fragment({ strings, values }: Prisma.Sql): string {
    return strings.map((text, index) => (index < values.length ? `${text}${this.add(values[index])}` : text)).join('');
  }
}

type Condition = Readonly<Record<string, unknown>>;

/**
 * Translates Prisma's conditions to SQL: `AND`, `OR`, `NOT`; of a column `equals`, `not`, `in`, `lt`, `lte`, `gt`, `gte`, `has`;
 * of a relation to one row `is`, of one to many `some` and `none`. They mean what they mean to Prisma, but for an `OR` of
 * nothing: it holds for no row, wherever it stands.
 * @throws for any other condition, which the author of a list hears of when the list is first read
 */
export const createConditions = (tables: Tables, parameters: Parameters) => {
  let aliases = 0;

  const all = (parts: readonly string[]): string => (parts.length === 0 ? 'true' : parts.join(' AND '));

  /** The condition as SQL about the row `alias` of a table. */
  const whereOf = (table: Table, alias: string, where: Condition): string =>
    all(
      Object.entries(where).flatMap(([name, wanted]) => {
        if (wanted === undefined) return [];
        if (name === 'AND') return listOf(wanted).map((each) => `(${whereOf(table, alias, each)})`);
        if (name === 'OR') {
          const parts = listOf(wanted).map((each) => `(${whereOf(table, alias, each)})`);
          return [parts.length === 0 ? 'false' : `(${parts.join(' OR ')})`];
        }
        if (name === 'NOT') return listOf(wanted).map((each) => `NOT (${whereOf(table, alias, each)})`);
        const relation = table.relations.get(name);
        return relation === undefined ? ofColumn(table, alias, name, wanted) : [ofRelation(table, alias, name, wanted)];
      }),
    );

  const ofColumn = (table: Table, alias: string, name: string, wanted: unknown): string[] => {
    const column = `${alias}.${columnOf(table, name).sql}`;
    const equals = (value: unknown): string => (value === null ? `${column} IS NULL` : `${column} = ${parameters.add(value)}`);
    if (!isFilter(wanted)) return [equals(wanted)];
    return Object.entries(wanted).flatMap(([operator, value]) => {
      if (value === undefined) return [];
      switch (operator) {
        case 'equals':
          return [equals(value)];
        case 'not':
          return [value === null ? `${column} IS NOT NULL` : `${column} <> ${parameters.add(value)}`];
        case 'in':
          return [`${column} = ANY(${parameters.add(value)})`];
        case 'lt':
        case 'lte':
        case 'gt':
        case 'gte':
          return [`${column} ${COMPARISONS[operator]} ${parameters.add(value)}`];
        case 'has':
          return [`${column} @> ${parameters.add([value])}`];
        default:
          throw unknown(`${table.name}.${name}`, operator);
      }
    });
  };

  const ofRelation = (table: Table, alias: string, name: string, wanted: unknown): string => {
    const relation = table.relations.get(name);
    if (relation === undefined || !isFilter(wanted)) throw unknown(table.name, name);
    const target = tableOf(tables, relation.target);
    aliases += 1;
    const other = `r${aliases}`;
    const joined = (condition: Condition): string =>
      relation.holdsKey
        ? // eslint-disable-next-line no-restricted-syntax -- names of the data model; values are parameters
          `SELECT 1 FROM ${target.sql} ${other} WHERE ${other}.${columnOf(target, 'id').sql} = ${alias}.${columnOf(table, relation.key).sql} AND ${whereOf(target, other, condition)}`
        : // eslint-disable-next-line no-restricted-syntax -- the same
          `SELECT 1 FROM ${target.sql} ${other} WHERE ${other}.${columnOf(target, relation.key).sql} = ${alias}.${columnOf(table, 'id').sql} AND ${whereOf(target, other, condition)}`;
    if (relation.isList) {
      return all(
        Object.entries(wanted).map(([operator, condition]) => {
          if (operator === 'some') return `EXISTS (${joined(condition as Condition)})`;
          if (operator === 'none') return `NOT EXISTS (${joined(condition as Condition)})`;
          throw unknown(`${table.name}.${name}`, operator);
        }),
      );
    }
    const condition = 'is' in wanted ? (wanted['is'] as Condition) : wanted;
    // One row that is named by a unique column is looked up once, before all others: an index over its key and the order then serves the list.
    const [only, ...others] = Object.entries(condition);
    if (
      only !== undefined &&
      others.length === 0 &&
      relation.holdsKey &&
      target.columns.get(only[0])?.isUnique === true &&
      !isFilter(only[1])
    )
      return `${alias}.${columnOf(table, relation.key).sql} = (SELECT ${columnOf(target, 'id').sql} FROM ${target.sql} ${other} WHERE ${whereOf(target, other, condition)})`;
    return `EXISTS (${joined(condition)})`;
  };

  return whereOf;
};

const COMPARISONS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

const listOf = (given: unknown): readonly Condition[] => (Array.isArray(given) ? given : [given]) as readonly Condition[];

/** Whether a value is an object of operators or conditions, not a value to compare with. */
const isFilter = (value: unknown): value is Condition =>
  typeof value === 'object' && value !== null && !(value instanceof Date) && !Array.isArray(value);

const unknown = (of: string, what: string): Error => new Error(`A list knows no condition "${what}" of "${of}".`);
