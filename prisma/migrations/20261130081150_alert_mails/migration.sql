-- CreateTable
CREATE TABLE "alert_mail" (
    "kind" TEXT NOT NULL,
    "up_to" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3),

    CONSTRAINT "alert_mail_pkey" PRIMARY KEY ("kind")
);
