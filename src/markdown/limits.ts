/** The longest text that is rendered, in UTF-16 code units: an entry has no more. */
export const MARKDOWN_MAX = 200_000;

/** The longest HTML of a text: a page of MARKDOWN_MAX characters has about half of it. One address of 2,000 characters that is used 30,000 times would make 60 million. */
export const HTML_MAX = 2_000_000;

/** Deeper nesting is of no use to readers, and exhausts the stack of code that walks the tree. */
export const NESTING_MAX = 100;

/**
 * The work that one text may take while somebody waits for it, in milliseconds of processor time. Ordinary texts of MARKDOWN_MAX characters take about a fifth.
 */
export const WORK_MS = 2_000;

/** The same for what a job renders, which nobody waits for. */
export const PATIENT_WORK_MS = 8_000;
