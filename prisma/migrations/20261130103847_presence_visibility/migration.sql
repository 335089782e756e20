-- AlterTable
ALTER TABLE "conversation_member" ADD COLUMN     "shown_read_seq" INTEGER;

-- AlterTable
ALTER TABLE "presence" ADD COLUMN     "appears_offline" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "last_seen_visible_to" "audience" NOT NULL DEFAULT 'EVERYONE',
ADD COLUMN     "visible_to" "audience" NOT NULL DEFAULT 'EVERYONE';
