-- CreateTable
CREATE TABLE "master_key" (
    "kid" TEXT NOT NULL,
    "key" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "master_key_pkey" PRIMARY KEY ("kid")
);
