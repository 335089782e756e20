-- AlterTable
ALTER TABLE "presence_device" DROP COLUMN "devices",
ADD COLUMN     "device_ids" TEXT[];
