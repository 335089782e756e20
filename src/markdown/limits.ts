/** The longest text that is rendered, in UTF-16 code units: an entry has no more. */
export const MARKDOWN_MAX = 200_000;

/** The longest HTML of a text: a page of MARKDOWN_MAX characters has about half of it. One address of 2,000 characters that is used 30,000 times would make 60 million. */
export const HTML_MAX = 2_000_000;

/** Deeper nesting is of no use to readers, and exhausts the stack of code that walks the tree. */
export const NESTING_MAX = 100;

/** What one text may take. */
export interface Bound {
  /** Its work, in milliseconds of processor time. */
  readonly ms: number;
  /** The time that goes by until its work begins, and then until it is over, in milliseconds. */
  readonly waitMs: number;
}

/** What a text may take while somebody waits for it. Ordinary texts of MARKDOWN_MAX characters take about 200 ms of work. */
export const WORK: Bound = { ms: 2_000, waitMs: 30_000 };

/** The same for jobs and imports, for which nobody waits. */
export const PATIENT_WORK: Bound = { ms: 8_000, waitMs: 600_000 };
