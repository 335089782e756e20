import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { diffSchema } from '../../scripts/schema-engine.js';
import { createLog } from '../../src/observability/log.js';

const log = createLog('silent');

const writeProject = async (schema: Readonly<Record<string, string>>, migration: string) => {
  const root = await mkdtemp(join(tmpdir(), 'lyceum-schema-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'schema'));
  for (const [name, text] of Object.entries(schema)) await writeFile(join(root, 'schema', name), text);
  await mkdir(join(root, 'migrations/20260101000000_init'), { recursive: true });
  await writeFile(join(root, 'migrations/20260101000000_init/migration.sql'), migration);
  return { schema: join(root, 'schema'), migrations: join(root, 'migrations') };
};

const SCHEMA = {
  'main.prisma': 'datasource db {\n  provider = "postgresql"\n}\n',
  'note.prisma': `
    model Note {
      id     Int    @id
      title  String
      size   Int    @default(0)
      search Unsupported("tsvector")? @default(dbgenerated())

      @@index([search], type: Gin, map: "note_search")
      @@map("note")
    }`,
};
const TABLE = `
  CREATE TABLE note (
    id INTEGER NOT NULL,
    title TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED,
    CONSTRAINT note_pkey PRIMARY KEY (id)
  );
  CREATE INDEX note_search ON note USING gin (search);`;

it('leaves alone what is written by hand because Prisma cannot express it', async () => {
  const { schema, migrations } = await writeProject(
    SCHEMA,
    `${TABLE}
    CREATE INDEX note_lower ON note (lower(title), size);
    CREATE UNIQUE INDEX note_large ON note (title) WHERE size > 100;
    ALTER TABLE note ADD CONSTRAINT note_size CHECK (size >= 0);
    CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.size := NEW.size + 1; RETURN NEW; END $$;
    CREATE TRIGGER grow BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION grow();
    CREATE VIEW titles AS SELECT title FROM note;`,
  );
  expect(await diffSchema(schema, migrations, log)).toBeNull();
});

it('gives the SQL that leads from the migrations to the schema', async () => {
  const { schema, migrations } = await writeProject(SCHEMA, `${TABLE}\nCREATE INDEX extra ON note (title);`);
  expect(await diffSchema(schema, migrations, log)).toBe('-- DropIndex\nDROP INDEX "extra";\n');
});
