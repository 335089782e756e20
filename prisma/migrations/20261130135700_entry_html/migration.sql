-- CreateTable
CREATE TABLE "entry_html" (
    "entry_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "renderer" INTEGER NOT NULL,
    "html" TEXT NOT NULL,

    CONSTRAINT "entry_html_pkey" PRIMARY KEY ("entry_id")
);

-- AddForeignKey
ALTER TABLE "entry_html" ADD CONSTRAINT "entry_html_entry_id_fkey" FOREIGN KEY ("entry_id") REFERENCES "entry"("id") ON DELETE CASCADE ON UPDATE CASCADE;
