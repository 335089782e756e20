-- What a username looks like: names with the same skeleton can be taken for each other. The letters are those of the confusables of Unicode (UTS 39) among
-- the characters that a username may have; that _ and - are alike, and vv and w, is ours.
CREATE FUNCTION username_skeleton(name TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT replace(replace(translate(lower(translate(name, '01I', 'Oll') COLLATE "C"), '_', '-'), 'm', 'rn'), 'vv', 'w')
$$;

-- AlterTable
ALTER TABLE "user" ADD COLUMN     "username_skeleton" TEXT GENERATED ALWAYS AS (username_skeleton("username")) STORED;

-- CreateTable
CREATE TABLE "invitation" (
    "id" UUID NOT NULL,
    "code_hash" BYTEA NOT NULL,
    "role" "role" NOT NULL DEFAULT 'MEMBER',
    "note" TEXT,
    "max_uses" INTEGER NOT NULL,
    "use_count" INTEGER NOT NULL DEFAULT 0,
    "created_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "invitation_code_hash_key" ON "invitation"("code_hash");

-- CreateIndex
CREATE INDEX "invitation_created_at_id_idx" ON "invitation"("created_at", "id");

-- CreateIndex
CREATE INDEX "invitation_created_by_id_created_at_id_idx" ON "invitation"("created_by_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "invitation_expires_at_idx" ON "invitation"("expires_at");

-- CreateIndex
CREATE INDEX "user_username_skeleton_idx" ON "user"("username_skeleton");

-- AddForeignKey
ALTER TABLE "invitation" ADD CONSTRAINT "invitation_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
