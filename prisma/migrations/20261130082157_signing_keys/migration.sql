-- CreateTable
CREATE TABLE "signing_key" (
    "id" UUID NOT NULL,
    "private_key" TEXT NOT NULL,
    "signs_from" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "signing_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "signing_key_use" (
    "process_id" UUID NOT NULL,
    "kid" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "signing_key_use_pkey" PRIMARY KEY ("process_id")
);

-- CreateTable
CREATE TABLE "derivation_secret" (
    "id" UUID NOT NULL,
    "secret" TEXT NOT NULL,

    CONSTRAINT "derivation_secret_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "signing_key_signs_from_idx" ON "signing_key"("signs_from");
