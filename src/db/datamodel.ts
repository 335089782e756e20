import { getDatamodel } from './generated/pothos-types.js';
import type { PrismaClient } from './generated/prisma/client.js';

/** A column of a table, by its names in Prisma and in SQL. */
export interface Column {
  readonly name: string;
  readonly sql: string;
  readonly isUnique: boolean;
}

/** A relation of a table, by which its rows are joined to others: on `key` of this table or of the other, which holds the other's id. */
export interface Relation {
  readonly name: string;
  readonly target: string;
  readonly isList: boolean;
  /** The column, by its name in Prisma, that holds the id. */
  readonly key: string;
  /** Whether the key is a column of this table; otherwise it is one of the other. */
  readonly holdsKey: boolean;
}

export interface Table {
  readonly name: string;
  /** Its name in the database. */
  readonly dbName: string;
  /** The same as SQL, quoted. */
  readonly sql: string;
  readonly columns: ReadonlyMap<string, Column>;
  readonly relations: ReadonlyMap<string, Relation>;
}

export type Tables = ReadonlyMap<string, Table>;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly kind: string;
  readonly isList: boolean;
  readonly isId: boolean;
  readonly isUnique: boolean;
  readonly relationName?: string;
  readonly relationFromFields?: readonly string[];
}

interface Named {
  readonly dbName?: string | null;
}
type RuntimeModel = Named & { readonly fields: readonly (Named & { readonly name: string })[] };

/** Quotes an identifier. Identifiers come from Prisma's datamodel only. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The tables as Prisma knows them: what there is from the datamodel that is generated for Pothos, the names in SQL from that of the client.
 * Both are generated from `prisma/schema/`, so they change with the migration that changes a table.
 */
export const readTables = (prisma: PrismaClient): Tables => {
  const { models } = getDatamodel().datamodel as unknown as {
    readonly models: Readonly<Record<string, { readonly fields: readonly Field[] }>>;
  };
  const { _runtimeDataModel: runtime } = prisma as unknown as {
    readonly _runtimeDataModel: { readonly models: Readonly<Record<string, RuntimeModel>> };
  };
  const keyOf = (model: string, { relationName, type, relationFromFields = [] }: Field): Pick<Relation, 'key' | 'holdsKey'> | null => {
    const other = models[type]?.fields.find(
      (field) => field.relationName === relationName && (field.relationFromFields?.length ?? 0) > 0 && field.type === model,
    );
    const [key] = relationFromFields.length > 0 ? relationFromFields : (other?.relationFromFields ?? []);
    return key === undefined ? null : { key, holdsKey: relationFromFields.length > 0 };
  };
  return new Map(
    Object.entries(models).map(([name, { fields }]) => {
      const inSql = new Map(runtime.models[name]?.fields.map((field) => [field.name, field.dbName ?? field.name]));
      const columns = fields
        .filter(({ kind }) => kind !== 'object')
        .map((field) => ({ name: field.name, sql: quoted(inSql.get(field.name) ?? field.name), isUnique: field.isId || field.isUnique }));
      const relations = fields.flatMap((field): Relation[] => {
        const key = field.kind === 'object' ? keyOf(name, field) : null;
        return key === null ? [] : [{ name: field.name, target: field.type, isList: field.isList, ...key }];
      });
      const dbName = runtime.models[name]?.dbName ?? name;
      const table: Table = {
        name,
        dbName,
        sql: quoted(dbName),
        columns: new Map(columns.map((column) => [column.name, column])),
        relations: new Map(relations.map((relation) => [relation.name, relation])),
      };
      return [name, table];
    }),
  );
};

export const tableOf = (tables: Tables, name: string): Table => {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`There is no model "${name}".`);
  return table;
};

export const columnOf = (table: Table, name: string): Column => {
  const column = table.columns.get(name);
  if (column === undefined) throw new Error(`There is no column "${table.name}.${name}".`);
  return column;
};
