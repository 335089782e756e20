-- CreateIndex
CREATE INDEX "entry_like_entry_id_created_at_user_id_idx" ON "entry_like"("entry_id", "created_at", "user_id");

-- CreateIndex
CREATE INDEX "message_reaction_message_id_emoji_created_at_user_id_idx" ON "message_reaction"("message_id", "emoji", "created_at", "user_id");

-- CreateIndex
CREATE INDEX "post_like_post_id_created_at_user_id_idx" ON "post_like"("post_id", "created_at", "user_id");
