import type { NotificationKind } from '../../db/generated/prisma/client.js';

/** The texts of a notification for one, two and more actors. */
interface Forms {
  readonly one: string;
  readonly two: string;
  readonly many: string;
}

const did = (what: string): Forms => ({
  one: `{first} ${what}`,
  two: `{first} and {second} ${what}`,
  many: `{first} and {others} others ${what}`,
});

/** For acts without an actor. */
const happened = (what: string): Forms => ({ one: what, two: what, many: what });

/**
 * All texts, by kind and by the type of the subject. `{first}` and `{second}` are the latest actors, `{others}` is the number of actors
 * beside the first; any other name is a field of the notification's data.
 */
export const TEMPLATES = {
  LIKE: { Post: did('liked your post'), Entry: did('liked your entry “{title}”') },
  COMMENT: { Post: did('commented on your post'), Comment: did('replied to your comment') },
  FOLLOW: { User: did('followed you') },
  MENTION: { Message: did('mentioned you in a message') },
  MESSAGE: { Conversation: did('wrote to you') },
  ASSIGNMENT: { Conversation: did('assigned a conversation to you') },
  SYSTEM: { User: happened('Your role is {role} now') },
} as const satisfies Readonly<Record<NotificationKind, Readonly<Record<string, Forms>>>>;

/** The text of a notification whose acts have all been withdrawn. */
const TAKEN_BACK = 'This was taken back';

export interface Told {
  readonly kind: NotificationKind;
  readonly subjectType: string | null;
  readonly data: unknown;
  /** The display names of the actors, the latest first. */
  readonly actors: readonly string[];
  readonly actorCount: number;
}

/** The text of a notification: "Ada and 4 others liked your post". Braces in a name or title are not replaced. */
export const textOf = ({ kind, subjectType, data, actors, actorCount }: Told): string => {
  if (isWithdrawn(kind, actorCount)) return TAKEN_BACK;
  const forms = (TEMPLATES[kind] as Readonly<Record<string, Forms>>)[subjectType ?? ''];
  if (forms === undefined) throw new Error(`There is no template of ${kind} for ${subjectType ?? 'nothing'}.`);
  const [first, second] = actors;
  const values: Readonly<Record<string, unknown>> = { ...(data as object | null), first, second, others: actorCount - 1 };
  const form = actorCount > 2 ? forms.many : actorCount === 2 ? forms.two : forms.one;
  return form.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
};

/** Whether a notification was withdrawn: it has no actors and is not from the system. */
export const isWithdrawn = (kind: NotificationKind, actorCount: number): boolean => kind !== 'SYSTEM' && actorCount === 0;
