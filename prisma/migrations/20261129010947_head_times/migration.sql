-- AlterTable
ALTER TABLE "head" ADD COLUMN     "last_at" TIMESTAMPTZ(3),
ADD COLUMN     "prior_at" TIMESTAMPTZ(3);
