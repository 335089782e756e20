-- AlterTable
ALTER TABLE "presence_device" ADD COLUMN     "devices" INTEGER NOT NULL DEFAULT 0,
ALTER COLUMN "device_ids" SET DEFAULT ARRAY[]::TEXT[];
