-- AlterTable
ALTER TABLE "session" ADD COLUMN     "family_hash" BYTEA,
ADD COLUMN     "rotation_secret" BYTEA NOT NULL DEFAULT uuid_send(gen_random_uuid());

-- CreateIndex
CREATE UNIQUE INDEX "session_family_hash_key" ON "session"("family_hash");
