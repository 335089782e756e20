-- CreateTable
CREATE TABLE "former_member" (
    "conversation_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "title" TEXT,
    "member_count" INTEGER NOT NULL,
    "last_message_at" TIMESTAMPTZ(3),
    "left_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "former_member_pkey" PRIMARY KEY ("user_id","conversation_id")
);

-- CreateIndex
CREATE INDEX "former_member_conversation_id_idx" ON "former_member"("conversation_id");

-- AddForeignKey
ALTER TABLE "former_member" ADD CONSTRAINT "former_member_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "conversation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "former_member" ADD CONSTRAINT "former_member_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
