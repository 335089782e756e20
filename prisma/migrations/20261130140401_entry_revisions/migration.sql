-- AlterTable
ALTER TABLE "entry" ADD COLUMN     "editor_id" UUID;

-- CreateTable
CREATE TABLE "entry_revision" (
    "id" UUID NOT NULL,
    "entry_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "tags" TEXT[],
    "is_public" BOOLEAN NOT NULL,
    "editor_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "entry_revision_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "entry_revision_editor_id_created_at_id_idx" ON "entry_revision"("editor_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "entry_revision_entry_id_version_key" ON "entry_revision"("entry_id", "version");

-- AddForeignKey
ALTER TABLE "entry" ADD CONSTRAINT "entry_editor_id_fkey" FOREIGN KEY ("editor_id") REFERENCES "user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entry_revision" ADD CONSTRAINT "entry_revision_entry_id_fkey" FOREIGN KEY ("entry_id") REFERENCES "entry"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entry_revision" ADD CONSTRAINT "entry_revision_editor_id_fkey" FOREIGN KEY ("editor_id") REFERENCES "user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What an entry says is kept for each of its versions, whatever writes it: the API, an import, a statement by hand. Of each entry the last 1,000 versions.
CREATE FUNCTION keep_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO entry_revision (id, entry_id, version, title, content, tags, is_public, editor_id, created_at)
  VALUES (gen_random_uuid(), new.id, new.version, new.title, new.content, new.tags, new.is_public, coalesce(new.editor_id, new.author_id), new.updated_at);
  DELETE FROM entry_revision WHERE entry_id = new.id AND version <= new.version - 1000;
  RETURN NULL;
END $$;

-- The locks of these keep others from writing entries until what is there has been kept.
CREATE TRIGGER entry_revision_added AFTER INSERT ON "entry" FOR EACH ROW EXECUTE FUNCTION keep_revision();
CREATE TRIGGER entry_revision_changed AFTER UPDATE OF version ON "entry" FOR EACH ROW
  WHEN (old.version <> new.version) EXECUTE FUNCTION keep_revision();

INSERT INTO "entry_revision" ("id", "entry_id", "version", "title", "content", "tags", "is_public", "editor_id", "created_at")
SELECT gen_random_uuid(), "id", "version", "title", "content", "tags", "is_public", "author_id", "updated_at" FROM "entry";
