import type { Services } from '../../context.js';
import { mailTask, sendMail } from '../../jobs/mail.js';
import { readEvents } from '../../realtime/event-log.js';
import { languageOf, momentIn } from '../../texts/language.js';
import { ADMINISTRATORS, ALERT_KINDS, securityLog, type AlertKind } from '../audit/topics.js';
import { mailTo } from './mails.js';

/** How often administrators get a mail of one kind of alert at the most, in milliseconds. What comes meanwhile is counted in the next. */
const EVERY_MS = 60 * 60 * 1_000;
/** How many administrators get mails. */
const MAX_RECIPIENTS = 100;
/** How many alerts are read at once; further ones are for the next minute. */
const READ_AT_ONCE = 500;

/** To an administrator: so many alerts of a kind, the latest at a time. */
export const alertMail = mailTask<{ readonly userId: string; readonly kind: AlertKind; readonly count: number; readonly at: number }>(
  'account.alertMail',
  async ({ db, config }, { userId, kind, count, at }) => {
    const user = await db.prisma.user.findUnique({ where: { id: userId } });
    if (!user?.email || user.emailVerifiedAt === null || user.role !== 'ADMIN') return null;
    const moment = momentIn(languageOf(user.locale), user.timeZone, new Date(at));
    return mailTo(user.email, user, 'securityAlert', { username: user.username, kind, count, at: moment }, `${config.publicUrl}/alerts`);
  },
);

/**
 * Sends administrators mails of the alerts since the last ones: at most one of each kind in an hour. It is a job of each minute, and not of each alert, so
 * a flood of alerts costs no more than one.
 */
export const mailAlerts = async (services: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  const { db, clock } = services;
  const now = clock.now();
  await db.transact(async (tx) => {
    const rows = await tx.alertMail.findMany();
    const due = ALERT_KINDS.map((kind) => rows.find((row) => row.kind === kind) ?? { kind, upTo: 0, at: null }).filter(
      ({ at }) => at === null || at.getTime() <= now - EVERY_MS,
    );
    const from = Math.min(...due.map(({ upTo }) => upTo));
    const events = due.length === 0 ? [] : await readEvents(db.prisma, securityLog.name, ADMINISTRATORS, from, READ_AT_ONCE);
    const last = events.at(-1)?.seq;
    if (last === undefined) return;
    const administrators = await tx.user.findMany({
      where: { role: 'ADMIN', emailVerifiedAt: { not: null } },
      orderBy: { createdAt: 'asc' },
      take: MAX_RECIPIENTS,
      select: { id: true },
    });
    for (const { kind, upTo, at } of due) {
      const news = events.filter((event) => event.kind === kind && event.seq > upTo);
      const latest = news.at(-1)?.at.getTime();
      const row = { upTo: Math.max(upTo, last), at: latest === undefined ? at : new Date(now) };
      await tx.alertMail.upsert({ where: { kind }, create: { kind, ...row }, update: row });
      if (latest === undefined) continue;
      for (const { id: userId } of administrators)
        sendMail(tx, services, alertMail, { userId, kind: kind as AlertKind, count: news.length, at: latest });
    }
  });
};
