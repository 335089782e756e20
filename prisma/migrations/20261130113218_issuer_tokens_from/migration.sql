-- AlterTable
ALTER TABLE "identity" ADD COLUMN     "tokens_from" TIMESTAMPTZ(3);
