/** A LIKE pattern that matches any value containing the text; wildcards in the text are escaped. */
export const containing = (text: string): string => `%${escapeLike(text)}%`;

/** Escapes a text for LIKE. Prisma's `contains` needs it as well, since it passes wildcards through. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');
