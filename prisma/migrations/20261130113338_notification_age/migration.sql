-- CreateIndex
CREATE INDEX "notification_created_at_idx" ON "notification"("created_at");
