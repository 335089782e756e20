-- CreateEnum
CREATE TYPE "audience" AS ENUM ('EVERYONE', 'FOLLOWED', 'NOBODY');

-- AlterTable
ALTER TABLE "audit_key" ALTER COLUMN "key" DROP NOT NULL;

-- AlterTable
ALTER TABLE "user" ADD COLUMN     "is_deleted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_listed" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "messages_from" "audience" NOT NULL DEFAULT 'EVERYONE';
