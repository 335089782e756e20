import type { Viewer } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { hasRole } from './viewer.js';

/**
 * Who may do something. It is pure: whatever it depends on, such as the viewer's membership, is part of its subject. It is
 * asked of the viewer, who has no more of their role than the scopes and the second factor of their principal leave them; null of nobody.
 */
export interface Rule<Subject> {
  readonly may: (viewer: Viewer | null, subject: Subject) => boolean;
}

/** The same, and as what one may, for the fields that tell the viewer so. */
export interface ToldRule<Subject> extends Rule<Subject> {
  readonly as: string;
}

type SubjectOf<Of> = Of extends Rule<infer Subject> ? Subject : never;

/** The rules of a domain as one question, `can(viewer, 'edit', post)`; a rule that is about a role alone has no subject. */
export interface Can<Rules> {
  <Action extends keyof Rules>(
    viewer: Viewer | null,
    action: Action,
    ...subject: unknown extends SubjectOf<Rules[Action]> ? [] : [SubjectOf<Rules[Action]>]
  ): boolean;
  readonly rules: Rules;
}

export const rulesOf = <const Rules extends Readonly<Record<string, Rule<never>>>>(rules: Rules): Can<Rules> =>
  Object.assign(
    (viewer: Viewer | null, action: keyof Rules, subject?: unknown): boolean => rules[action]?.may(viewer, subject as never) ?? false,
    { rules },
  );

/** Whoever has at least this role. */
const byRole = (role: Role, as: string) => ({ may: (viewer: Viewer | null): boolean => hasRole(viewer, role), as });
export const MEMBER = byRole('MEMBER', 'a member');
export const MODERATOR = byRole('MODERATOR', 'a moderator');
export const ADMINISTRATOR = byRole('ADMIN', 'an administrator');

interface Authored {
  readonly authorId: string;
}
export const AUTHOR: ToldRule<Authored> = { may: (viewer, { authorId }) => authorId === viewer?.id, as: 'its author' };
export const AUTHOR_OR_MODERATOR: ToldRule<Authored> = {
  may: (viewer, item) => AUTHOR.may(viewer, item) || MODERATOR.may(viewer),
  as: `${AUTHOR.as} or ${MODERATOR.as}`,
};
