-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "is_large" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "conversation_member" ADD COLUMN     "archived_seq" INTEGER,
ADD COLUMN     "has_news" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_declined" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_marked_unread" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_muted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_request" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "muted_until" TIMESTAMPTZ(3),
ADD COLUMN     "pinned_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "message_mention" ADD COLUMN     "is_unread" BOOLEAN NOT NULL DEFAULT true;

-- Until now what was read followed from the read position alone.
UPDATE "message_mention" SET "is_unread" = false
WHERE NOT EXISTS (
  SELECT 1 FROM "message" JOIN "conversation_member" "member" ON "member"."conversation_id" = "message"."conversation_id"
  WHERE "message"."id" = "message_mention"."message_id" AND "member"."user_id" = "message_mention"."user_id" AND "message"."seq" > "member"."last_read_seq"
);
CREATE INDEX "message_mention_unread" ON "message_mention" ("user_id") WHERE "is_unread";

-- Of a large conversation a member is told once until they have read it.
UPDATE "conversation" SET "is_large" = true
WHERE (SELECT count(*) FROM (SELECT 1 FROM "conversation_member" WHERE "conversation_id" = "conversation"."id" LIMIT 201) "few") > 200;
UPDATE "conversation_member" "member" SET "has_news" = true
FROM "conversation"
WHERE "conversation"."id" = "member"."conversation_id" AND "conversation"."is_large" AND EXISTS (
  SELECT 1 FROM "message"
  WHERE "message"."conversation_id" = "member"."conversation_id" AND "message"."seq" > "member"."last_read_seq"
    AND "message"."author_id" <> "member"."user_id" AND "message"."deleted_at" IS NULL
);

-- Who is told when somebody writes in a large conversation: who has no news of it, and who has put it away until there are some.
CREATE INDEX "conversation_member_to_tell" ON "conversation_member" ("conversation_id", "id")
  WHERE NOT "has_news" OR ("archived_seq" IS NOT NULL AND NOT "is_muted");
CREATE INDEX "conversation_member_put_away" ON "conversation_member" ("conversation_id") WHERE "archived_seq" IS NOT NULL AND NOT "is_muted";
CREATE INDEX "conversation_member_request" ON "conversation_member" ("user_id") WHERE "is_request" AND NOT "is_declined";
