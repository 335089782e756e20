-- Retention keeps an emptied message for as long as an event leads to it, and looks for those that tell of its deletion as well. (Statements of
-- 0.1.0, which name two of the three kinds, can use this index too.)
DROP INDEX "event_message_ref";
CREATE INDEX "event_message_ref" ON "event" ("key", ("ref"->>'messageId'))
  WHERE "topic" = 'conversation' AND "kind" IN ('MessageEdited', 'MessageDeleted', 'ReactionsChanged');

-- Until now it removed messages to which such events lead. Each gets an empty message back, at the place of the last of the events; who wrote it is not
-- known any more, so it is given to whoever has been in the conversation longest, or else to any user.
INSERT INTO "message" ("id", "conversation_id", "author_id", "body", "seq", "created_at", "deleted_at")
SELECT DISTINCT ON ("event"."ref"->>'messageId')
  ("event"."ref"->>'messageId')::uuid,
  "conversation"."id",
  coalesce(
    (SELECT "user_id" FROM "conversation_member" WHERE "conversation_id" = "conversation"."id" ORDER BY "joined_at", "id" LIMIT 1),
    (SELECT "id" FROM "user" ORDER BY "created_at", "id" LIMIT 1)
  ),
  '', "event"."seq", "event"."at", "event"."at"
FROM "event" JOIN "conversation" ON "conversation"."id" = "event"."key"::uuid
WHERE "event"."topic" = 'conversation' AND "event"."kind" IN ('MessageEdited', 'MessageDeleted', 'ReactionsChanged')
  AND NOT EXISTS (SELECT 1 FROM "message" WHERE "message"."id" = ("event"."ref"->>'messageId')::uuid)
ORDER BY "event"."ref"->>'messageId', "event"."seq" DESC;
