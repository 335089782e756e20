/** The pattern by which LIKE finds a text anywhere, whatever it contains: its wildcards and its escape mean themselves. */
export const containing = (text: string): string => `%${escapeLike(text)}%`;

/** A text for Prisma's `contains`, which passes the wildcards of LIKE through. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');
