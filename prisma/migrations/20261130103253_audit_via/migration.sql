-- CreateEnum
CREATE TYPE "audit_via" AS ENUM ('SESSION', 'API_KEY', 'ISSUER');

-- AlterTable
ALTER TABLE "audit_event" ADD COLUMN     "via" "audit_via",
ADD COLUMN     "via_id" UUID;

-- CreateIndex
CREATE INDEX "audit_event_via_at_id_idx" ON "audit_event"("via", "at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_event_via_id_at_id_idx" ON "audit_event"("via_id", "at" DESC, "id" DESC);
