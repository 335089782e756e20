-- For finding text within messages.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- A database has an extension once, maybe in a schema that is not on the search path of who shares it by ?schema=.
SELECT set_config('search_path', concat_ws(', ', current_setting('search_path'), quote_ident(nspname)), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';

-- CreateEnum
CREATE TYPE "notification_kind" AS ENUM ('LIKE', 'COMMENT', 'FOLLOW', 'MENTION', 'MESSAGE', 'ASSIGNMENT', 'SYSTEM');

-- AlterTable
ALTER TABLE "comment" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "conversation" ADD COLUMN     "archived_at" TIMESTAMPTZ(3),
ADD COLUMN     "empty_since" TIMESTAMPTZ(3),
ADD COLUMN     "passcode_hash" TEXT;

-- Rooms that everyone has left already begin to wait for their end now.
UPDATE "conversation" SET "empty_since" = CURRENT_TIMESTAMP
WHERE "kind" = 'ROOM' AND NOT EXISTS (SELECT FROM "conversation_member" WHERE "conversation_id" = "conversation"."id");

-- AlterTable
ALTER TABLE "conversation_member" ADD COLUMN     "read_told_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "post" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "block" (
    "blocker_id" UUID NOT NULL,
    "blocked_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "block_pkey" PRIMARY KEY ("blocker_id","blocked_id")
);

-- CreateTable
CREATE TABLE "message_mention" (
    "message_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "message_mention_pkey" PRIMARY KEY ("message_id","user_id")
);

-- CreateTable
CREATE TABLE "message_reaction" (
    "message_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "emoji" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "message_reaction_pkey" PRIMARY KEY ("message_id","user_id","emoji")
);

-- CreateTable
CREATE TABLE "notification" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "kind" "notification_kind" NOT NULL,
    "subject_type" TEXT,
    "subject_id" UUID,
    "data" JSONB,
    "open_key" TEXT,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "told_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "read_at" TIMESTAMPTZ(3),

    CONSTRAINT "notification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notification_actor" (
    "notification_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_actor_pkey" PRIMARY KEY ("notification_id","user_id")
);

-- CreateTable
CREATE TABLE "notification_preference" (
    "user_id" UUID NOT NULL,
    "kind" "notification_kind" NOT NULL,
    "enabled" BOOLEAN NOT NULL,

    CONSTRAINT "notification_preference_pkey" PRIMARY KEY ("user_id","kind")
);

-- CreateTable
CREATE TABLE "announcement" (
    "id" UUID NOT NULL,
    "text" TEXT NOT NULL,
    "author_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "client_id" TEXT,
    "client_digest" TEXT,

    CONSTRAINT "announcement_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "block_blocker_id_created_at_blocked_id_idx" ON "block"("blocker_id", "created_at", "blocked_id");

-- CreateIndex
CREATE INDEX "block_blocked_id_idx" ON "block"("blocked_id");

-- CreateIndex
CREATE INDEX "message_mention_user_id_idx" ON "message_mention"("user_id");

-- CreateIndex
CREATE INDEX "message_reaction_user_id_idx" ON "message_reaction"("user_id");

-- CreateIndex
CREATE INDEX "notification_user_id_seq_idx" ON "notification"("user_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "notification_user_id_open_key_key" ON "notification"("user_id", "open_key");

-- CreateIndex
CREATE INDEX "notification_actor_notification_id_at_user_id_idx" ON "notification_actor"("notification_id", "at", "user_id");

-- CreateIndex
CREATE INDEX "notification_actor_user_id_idx" ON "notification_actor"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "announcement_author_id_client_id_key" ON "announcement"("author_id", "client_id");

-- CreateIndex
CREATE INDEX "conversation_empty_since_idx" ON "conversation"("empty_since");

-- What later events lead to which message, for its retention. Prisma has no words for an index like this.
CREATE INDEX "event_message_ref" ON "event" ("key", ("ref"->>'messageId'))
WHERE "topic" = 'conversation' AND "kind" IN ('MessageEdited', 'ReactionsChanged');

-- CreateIndex
CREATE INDEX "message_body_idx" ON "message" USING GIN ("body" gin_trgm_ops);

-- AddForeignKey
ALTER TABLE "block" ADD CONSTRAINT "block_blocker_id_fkey" FOREIGN KEY ("blocker_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "block" ADD CONSTRAINT "block_blocked_id_fkey" FOREIGN KEY ("blocked_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_mention" ADD CONSTRAINT "message_mention_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "message"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_mention" ADD CONSTRAINT "message_mention_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_reaction" ADD CONSTRAINT "message_reaction_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "message"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "message_reaction" ADD CONSTRAINT "message_reaction_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification" ADD CONSTRAINT "notification_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_actor" ADD CONSTRAINT "notification_actor_notification_id_fkey" FOREIGN KEY ("notification_id") REFERENCES "notification"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_actor" ADD CONSTRAINT "notification_actor_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "notification_preference" ADD CONSTRAINT "notification_preference_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "announcement" ADD CONSTRAINT "announcement_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Rooms that everyone had left before this was written down.
UPDATE "conversation" SET "empty_since" = now()
WHERE "kind" = 'ROOM' AND NOT EXISTS (SELECT 1 FROM "conversation_member" WHERE "conversation_id" = "conversation"."id");
