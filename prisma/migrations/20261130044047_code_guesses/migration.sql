-- CreateEnum
CREATE TYPE "code_kind" AS ENUM ('ROOM', 'PASSCODE');

-- CreateTable
CREATE TABLE "code_guess" (
    "user_id" UUID NOT NULL,
    "kind" "code_kind" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "code_guess_pkey" PRIMARY KEY ("user_id","kind")
);

-- AddForeignKey
ALTER TABLE "code_guess" ADD CONSTRAINT "code_guess_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
