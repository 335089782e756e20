-- CreateTable
CREATE TABLE "mutation_result" (
    "author_id" UUID NOT NULL,
    "mutation" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "payload" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mutation_result_pkey" PRIMARY KEY ("author_id","mutation","client_id")
);

-- CreateIndex
CREATE INDEX "mutation_result_created_at_idx" ON "mutation_result"("created_at");

-- AddForeignKey
ALTER TABLE "mutation_result" ADD CONSTRAINT "mutation_result_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
