/** It asks nothing: what it shows is in the client. */
export const operations = [] as const;
