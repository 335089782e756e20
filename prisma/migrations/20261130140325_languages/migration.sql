-- Texts of all languages: one form of Unicode, names that are one whatever their case, an order by ICU, and searches without accents.

CREATE EXTENSION IF NOT EXISTS unaccent;
-- A database has an extension once, maybe in a schema that is not on the search path of who shares it by ?schema=.
SELECT set_config('search_path', concat_ws(', ', current_setting('search_path'), string_agg(DISTINCT quote_ident(nspname), ', ')), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname IN ('pg_trgm', 'unaccent');

-- ---------------------------------------------------------------- searching

-- What a text is searched by: without accents, case, ligatures and forms of width. What it calls is bound here, whatever the search path of the caller.
CREATE FUNCTION search_key(words TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
  -- Nothing but ASCII: a twelfth of the time.
  WHEN octet_length(words) = length(words) THEN lower(words COLLATE "C") COLLATE "und-x-icu"
  ELSE translate(lower(unaccent('unaccent'::regdictionary, normalize(words, NFKC)) COLLATE "und-x-icu"), E'\u03c2', E'\u03c3')
END;

-- The same as a part of a pattern of LIKE, of which nothing is a wildcard.
CREATE FUNCTION search_pattern(words TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(search_key(words), E'\\', E'\\\\'), '%', E'\\%'), '_', E'\\_');

DROP INDEX "entry_content_idx";
DROP INDEX "entry_tags_idx";
DROP INDEX "entry_title_idx";
DROP INDEX "message_body_idx";
DROP INDEX "tag_tag_idx";

-- ---------------------------------------------------------------- one form of Unicode

UPDATE "user" SET display_name = normalize(display_name), bio = normalize(bio), status = normalize(status), suspension_reason = normalize(suspension_reason)
WHERE display_name IS NOT NORMALIZED OR bio IS NOT NORMALIZED OR status IS NOT NORMALIZED OR suspension_reason IS NOT NORMALIZED;
UPDATE "invitation" SET note = normalize(note) WHERE note IS NOT NORMALIZED;
UPDATE "api_key" SET name = normalize(name) WHERE name IS NOT NORMALIZED;
UPDATE "passkey" SET name = normalize(name) WHERE name IS NOT NORMALIZED;
UPDATE "announcement" SET text = normalize(text) WHERE text IS NOT NORMALIZED;
UPDATE "conversation" SET title = normalize(title) WHERE title IS NOT NORMALIZED;
UPDATE "message" SET body = normalize(body) WHERE body IS NOT NORMALIZED;
UPDATE "post" SET body = normalize(body) WHERE body IS NOT NORMALIZED;
UPDATE "comment" SET body = normalize(body) WHERE body IS NOT NORMALIZED;
-- What was made of their content is made anew.
WITH changed AS (
  UPDATE "entry" SET title = normalize(title), content = normalize(content) WHERE title IS NOT NORMALIZED OR content IS NOT NORMALIZED RETURNING id
)
DELETE FROM "entry_html" USING changed WHERE entry_id = changed.id;
UPDATE "category" SET name = normalize(name), description = normalize(description) WHERE name IS NOT NORMALIZED OR description IS NOT NORMALIZED;

-- ---------------------------------------------------------------- names

-- `nameKey` of src/texts/names.ts, for the names that are there already.
CREATE FUNCTION pg_temp.name_key(name TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT
RETURN normalize(trim(regexp_replace(
  replace(replace(replace(
    lower(upper(lower(replace(
      normalize(translate(normalize(name),
        -- Forms of width, blanks, and what shows nothing, which becomes nothing.
        E'\uff01\uff02\uff03\uff04\uff05\uff06\uff07\uff08\uff09\uff0a\uff0b\uff0c\uff0d\uff0e\uff0f\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff1a\uff1b\uff1c\uff1d\uff1e\uff1f\uff20\uff21\uff22\uff23\uff24\uff25\uff26\uff27\uff28\uff29\uff2a\uff2b\uff2c\uff2d\uff2e\uff2f\uff30\uff31\uff32\uff33\uff34\uff35\uff36\uff37\uff38\uff39\uff3a\uff3b\uff3c\uff3d\uff3e\uff3f\uff40\uff41\uff42\uff43\uff44\uff45\uff46\uff47\uff48\uff49\uff4a\uff4b\uff4c\uff4d\uff4e\uff4f\uff50\uff51\uff52\uff53\uff54\uff55\uff56\uff57\uff58\uff59\uff5a\uff5b\uff5c\uff5d\uff5e\uff5f\uff60\uff61\uff62\uff63\uff64\uff65\uff66\uff67\uff68\uff69\uff6a\uff6b\uff6c\uff6d\uff6e\uff6f\uff70\uff71\uff72\uff73\uff74\uff75\uff76\uff77\uff78\uff79\uff7a\uff7b\uff7c\uff7d\uff7e\uff7f\uff80\uff81\uff82\uff83\uff84\uff85\uff86\uff87\uff88\uff89\uff8a\uff8b\uff8c\uff8d\uff8e\uff8f\uff90\uff91\uff92\uff93\uff94\uff95\uff96\uff97\uff98\uff99\uff9a\uff9b\uff9c\uff9d\uff9e\uff9f\uffa0\uffa1\uffa2\uffa3\uffa4\uffa5\uffa6\uffa7\uffa8\uffa9\uffaa\uffab\uffac\uffad\uffae\uffaf\uffb0\uffb1\uffb2\uffb3\uffb4\uffb5\uffb6\uffb7\uffb8\uffb9\uffba\uffbb\uffbc\uffbd\uffbe\uffc2\uffc3\uffc4\uffc5\uffc6\uffc7\uffca\uffcb\uffcc\uffcd\uffce\uffcf\uffd2\uffd3\uffd4\uffd5\uffd6\uffd7\uffda\uffdb\uffdc\uffe0\uffe1\uffe2\uffe4\uffe5\uffe6\uffe8\uffe9\uffea\uffeb\uffec\uffed\uffee\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u00ad\u200b\u2060\ufeff\ufe0e\ufe0f',
        E'!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\u2985\u2986\u3002\u300c\u300d\u3001\u30fb\u30f2\u30a1\u30a3\u30a5\u30a7\u30a9\u30e3\u30e5\u30e7\u30c3\u30fc\u30a2\u30a4\u30a6\u30a8\u30aa\u30ab\u30ad\u30af\u30b1\u30b3\u30b5\u30b7\u30b9\u30bb\u30bd\u30bf\u30c1\u30c4\u30c6\u30c8\u30ca\u30cb\u30cc\u30cd\u30ce\u30cf\u30d2\u30d5\u30d8\u30db\u30de\u30df\u30e0\u30e1\u30e2\u30e4\u30e6\u30e8\u30e9\u30ea\u30eb\u30ec\u30ed\u30ef\u30f3\u3099\u309a\u1160\u1100\u1101\u11aa\u1102\u11ac\u11ad\u1103\u1104\u1105\u11b0\u11b1\u11b2\u11b3\u11b4\u11b5\u111a\u1106\u1107\u1108\u1121\u1109\u110a\u110b\u110c\u110d\u110e\u110f\u1110\u1111\u1112\u1161\u1162\u1163\u1164\u1165\u1166\u1167\u1168\u1169\u116a\u116b\u116c\u116d\u116e\u116f\u1170\u1171\u1172\u1173\u1174\u1175\u00a2\u00a3\u00ac\u00a6\u00a5\u20a9\u2502\u2190\u2191\u2192\u2193\u25a0\u25cb                  ')),
      -- The i without a dot is a letter of its own, though its capital is that of i: here it stands aside.
      E'\u0131', E'\ue000') COLLATE "und-x-icu") COLLATE "und-x-icu") COLLATE "und-x-icu"),
    E'\ue000', E'\u0131'), E'i\u0307', 'i'), E'\u03c2', E'\u03c3'),
  '\s+', ' ', 'g')));

-- Categories that have become one by name stay two, with all that is in them: the later ones are numbered.
DROP INDEX "category_name_key_key";
DO $$
DECLARE
  one RECORD;
  chosen TEXT;
  number INT;
BEGIN
  UPDATE category SET name_key = id::text;
  FOR one IN SELECT id, name FROM category ORDER BY created_at, id LOOP
    chosen := one.name;
    number := 1;
    WHILE EXISTS (SELECT FROM category WHERE name_key = pg_temp.name_key(chosen)) LOOP
      number := number + 1;
      chosen := left(one.name, 74) || ' (' || number || ')';
    END LOOP;
    UPDATE category SET name = chosen, name_key = pg_temp.name_key(chosen) WHERE id = one.id;
  END LOOP;
END $$;
CREATE UNIQUE INDEX "category_name_key_key" ON "category"("name_key");

-- The tags of an entry that have become one are one, as the first of them is written.
DROP TRIGGER entry_changed ON "entry";
ALTER TABLE "entry" ADD COLUMN "tag_keys" TEXT[] DEFAULT ARRAY[]::TEXT[];
WITH written AS (
  SELECT id, replace(normalize(tag), E'i\u0307', 'i') AS tag, pg_temp.name_key(tag) AS key, place
  FROM "entry", unnest(tags) WITH ORDINALITY AS each(tag, place)
), first AS (
  SELECT DISTINCT ON (id, key) * FROM written ORDER BY id, key, place
), kept AS (
  SELECT id, array_agg(tag ORDER BY place) AS tags, array_agg(key ORDER BY place) AS keys FROM first GROUP BY id
)
UPDATE "entry" SET tags = kept.tags, tag_keys = kept.keys FROM kept WHERE kept.id = "entry".id;

DROP INDEX "tag_entry_count_tag_idx";
TRUNCATE "tag";
ALTER TABLE "tag" DROP CONSTRAINT "tag_pkey", ADD COLUMN "key" TEXT NOT NULL, ADD CONSTRAINT "tag_pkey" PRIMARY KEY ("key"),
  ALTER COLUMN "tag" TYPE TEXT COLLATE "und-x-icu";
INSERT INTO "tag" (key, tag, entry_count)
SELECT key, mode() WITHIN GROUP (ORDER BY each.tag), count(*) FROM "entry", unnest(tags, tag_keys) AS each(tag, key) WHERE is_public GROUP BY key;

-- Changes the counts of tags: one more entry for each of the first, one less for each of the last. The rows are changed in the order of their
-- keys, so that two transactions wait for each other in one direction.
CREATE FUNCTION change_tags(added_tags TEXT[], added_keys TEXT[], removed_keys TEXT[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO tag AS known (key, tag, entry_count)
  SELECT changed.key, coalesce(min(changed.tag), changed.key), sum(changed.size)
  FROM (
    SELECT added.key, added.tag, 1 AS size FROM unnest(added_keys, added_tags) AS added(key, tag)
    UNION ALL SELECT removed.key, NULL, -1 FROM unnest(removed_keys) AS removed(key)
  ) changed
  WHERE changed.key IS NOT NULL GROUP BY changed.key HAVING sum(changed.size) <> 0 ORDER BY changed.key
  ON CONFLICT (key) DO UPDATE SET entry_count = known.entry_count + excluded.entry_count;
  DELETE FROM tag WHERE key = ANY(removed_keys) AND entry_count <= 0;
END $$;

CREATE OR REPLACE FUNCTION entries_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags(array_agg(each.tag), array_agg(each.key), '{}') FROM added, unnest(added.tags, added.tag_keys) AS each(tag, key) WHERE is_public;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION entries_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags('{}', '{}', ARRAY(SELECT unnest(tag_keys) FROM removed WHERE is_public));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION entry_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM change_tags(
    CASE WHEN new.is_public THEN new.tags END, CASE WHEN new.is_public THEN new.tag_keys END, CASE WHEN old.is_public THEN old.tag_keys END
  );
  RETURN NULL;
END $$;

CREATE TRIGGER entry_changed AFTER UPDATE OF tag_keys, is_public ON "entry" FOR EACH ROW
  WHEN (old.tag_keys IS DISTINCT FROM new.tag_keys OR old.is_public <> new.is_public) EXECUTE FUNCTION entry_changed();
DROP FUNCTION change_tags(TEXT[], TEXT[]);
DROP FUNCTION pg_temp.name_key(TEXT);

-- ---------------------------------------------------------------- order and indexes

-- The indexes over these columns are made anew, and lists by them are in the order of the Unicode Collation Algorithm.
ALTER TABLE "entry" ALTER COLUMN "title" TYPE TEXT COLLATE "und-x-icu",
  ADD COLUMN "content_key" TEXT GENERATED ALWAYS AS (search_key("content")) STORED;
ALTER TABLE "category" ALTER COLUMN "name" TYPE TEXT COLLATE "und-x-icu";

CREATE INDEX "entry_tag_keys_idx" ON "entry" USING GIN ("tag_keys");
CREATE INDEX "entry_title_idx" ON "entry" USING GIN (search_key("title") gin_trgm_ops);
CREATE INDEX "entry_content_key_idx" ON "entry" USING GIN ("content_key" gin_trgm_ops);
CREATE INDEX "tag_entry_count_tag_idx" ON "tag"("entry_count" DESC, "tag");
CREATE INDEX "tag_tag_idx" ON "tag" USING GIN (search_key("tag") gin_trgm_ops);
CREATE INDEX "message_body_idx" ON "message" USING GIN (search_key("body") gin_trgm_ops);
CREATE INDEX "user_username_key_idx" ON "user" USING GIN ("username_key" gin_trgm_ops);
CREATE INDEX "user_display_name_idx" ON "user" USING GIN (search_key("display_name") gin_trgm_ops);
