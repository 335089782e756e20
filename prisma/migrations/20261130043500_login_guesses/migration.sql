-- AlterEnum
ALTER TYPE "link_purpose" ADD VALUE 'SIGN_IN';

-- DropIndex
DROP INDEX "session_user_id_idx";

-- AlterTable
ALTER TABLE "session" ADD COLUMN     "origin" BYTEA;

-- CreateTable
CREATE TABLE "login_guess" (
    "subject" BYTEA NOT NULL,
    "origin" BYTEA NOT NULL,
    "failures" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "until" TIMESTAMPTZ(3),

    CONSTRAINT "login_guess_pkey" PRIMARY KEY ("subject","origin")
);

-- CreateIndex
CREATE INDEX "login_guess_origin_at_idx" ON "login_guess"("origin", "at");

-- CreateIndex
CREATE INDEX "login_guess_at_idx" ON "login_guess"("at");

-- CreateIndex
CREATE INDEX "session_user_id_origin_idx" ON "session"("user_id", "origin");
