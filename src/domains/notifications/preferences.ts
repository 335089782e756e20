import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import { NotificationKind } from '../../db/generated/prisma/client.js';
import { badInput, type FieldError } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';

/** Whether a user gets notifications of a kind. */
export interface Preference {
  readonly kind: NotificationKind;
  readonly enabled: boolean;
}

/** The preference of a user for every kind. */
export const preferencesOf = async ({ prisma }: Database, userId: string): Promise<Preference[]> => {
  const off = await prisma.notificationPreference.findMany({ where: { userId, enabled: false }, select: { kind: true } });
  return Object.values(NotificationKind).map((kind) => ({ kind, enabled: !off.some((each) => each.kind === kind) }));
};

/** Sets the viewer's preference for the given kinds. @throws BAD_USER_INPUT for a kind that is given twice */
export const updatePreferences = async (context: Context, preferences: readonly Preference[]): Promise<void> => {
  const userId = viewerOf(context).id;
  const kinds = preferences.map(({ kind }) => kind);
  const [first, ...rest] = kinds.flatMap((kind, index): FieldError[] =>
    kinds.indexOf(kind) < index ? [{ path: `input.preferences.${index}.kind`, code: 'DUPLICATE', message: 'Is named twice.' }] : [],
  );
  if (first !== undefined) throw badInput(first, ...rest);
  // The rows are sorted, so concurrent calls cannot deadlock.
  await context.db.prisma.$executeRaw`
    INSERT INTO notification_preference (user_id, kind, enabled)
    SELECT ${userId}::uuid, kind, enabled
    FROM unnest(${kinds}::notification_kind[], ${preferences.map(({ enabled }) => enabled)}::boolean[]) AS given(kind, enabled)
    ORDER BY kind
    ON CONFLICT (user_id, kind) DO UPDATE SET enabled = excluded.enabled`;
};
