-- The database has pg_trgm once, maybe in a schema that is not on the search path of who shares it by ?schema=.
SELECT set_config('search_path', concat_ws(', ', current_setting('search_path'), quote_ident(nspname)), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';

-- CreateTable
CREATE TABLE "tag" (
    "tag" TEXT NOT NULL,
    "entry_count" INTEGER NOT NULL,

    CONSTRAINT "tag_pkey" PRIMARY KEY ("tag")
);

-- CreateIndex
CREATE INDEX "tag_entry_count_tag_idx" ON "tag"("entry_count" DESC, "tag");

-- CreateIndex
CREATE INDEX "tag_tag_idx" ON "tag" USING GIN ("tag" gin_trgm_ops);

-- CreateIndex
CREATE INDEX "entry_title_idx" ON "entry" USING GIN ("title" gin_trgm_ops);

-- CreateIndex
CREATE INDEX "entry_content_idx" ON "entry" USING GIN ("content" gin_trgm_ops);

-- CreateIndex
CREATE INDEX "entry_author_id_is_public_idx" ON "entry"("author_id", "is_public");

-- Changes the counts of tags: one more entry for each of the first, one less for each of the second. The rows are changed in the order of the
-- tags, so that two transactions wait for each other in one direction.
CREATE FUNCTION change_tags(added TEXT[], removed TEXT[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO tag AS known (tag, entry_count)
  SELECT changed.tag, sum(changed.size)
  FROM (SELECT unnest(added) AS tag, 1 AS size UNION ALL SELECT unnest(removed), -1) changed
  GROUP BY changed.tag HAVING sum(changed.size) <> 0 ORDER BY changed.tag
  ON CONFLICT (tag) DO UPDATE SET entry_count = known.entry_count + excluded.entry_count;
  DELETE FROM tag WHERE tag = ANY(removed) AND entry_count <= 0;
END $$;

CREATE FUNCTION entries_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags(ARRAY(SELECT unnest(tags) FROM added WHERE is_public), '{}');
  RETURN NULL;
END $$;

CREATE FUNCTION entries_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags('{}', ARRAY(SELECT unnest(tags) FROM removed WHERE is_public));
  RETURN NULL;
END $$;

CREATE FUNCTION entry_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags(CASE WHEN new.is_public THEN new.tags END, CASE WHEN old.is_public THEN old.tags END);
  RETURN NULL;
END $$;

-- The locks of these keep others from writing entries until the counts below are there.
CREATE TRIGGER entries_added AFTER INSERT ON "entry" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION entries_added();
CREATE TRIGGER entries_removed AFTER DELETE ON "entry" REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION entries_removed();
CREATE TRIGGER entry_changed AFTER UPDATE OF tags, is_public ON "entry" FOR EACH ROW
  WHEN (old.tags <> new.tags OR old.is_public <> new.is_public) EXECUTE FUNCTION entry_changed();

INSERT INTO "tag" ("tag", "entry_count") SELECT tag, count(*) FROM "entry", unnest(tags) AS tag WHERE is_public GROUP BY tag;
