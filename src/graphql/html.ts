import type { Context } from '../context.js';
import { htmlOf } from '../markdown/html.js';
import { HTML, SHORT_HTML, type FieldPrice } from './price.js';

/** What is said of every field of HTML. */
export const SAFE = 'as HTML, fit to be put into a page: without scripts, styles, frames and forms';

/** What whoever styles it has to know. */
const FORMS =
  'Ids in it begin with `user-content-`, and links of the text lead to them; code has the classes of highlight.js (`hljs-…`), alerts `markdown-alert` and `markdown-alert-note` (or tip, important, warning, caution), notes `footnotes`; formulas are MathML.';

/** The options of a field that gives a text of up to 200,000 characters as HTML. */
export const longHtml = <Item>(htmlOfItem: (context: Context, item: Item) => Promise<string>) => ({
  price: { own: HTML },
  description: `Its text ${SAFE}. ${FORMS}`,
  resolve: (item: Item, _args: object, context: Context): Promise<string> => htmlOfItem(context, item),
});

/** Whether somebody has that name is not asked: the HTML of a text depends on nothing but the text. */
const MENTIONS = '`@username` outside of code and links leads to `/people/USERNAME`.';

/** The options of `bodyHtml`. What is deleted has an empty body, and no HTML. */
export const bodyHtml = {
  price: { own: SHORT_HTML },
  description: `Its text ${SAFE}; empty once it is deleted. ${MENTIONS}`,
  resolve: ({ body }: { readonly body: string }, _args: object, context: Context): string | Promise<string> =>
    htmlOf(context, body, { mentions: true }),
};

/** How many characters of a text that nobody has rendered before cost a row. Those of entries are mostly found rendered already. */
const CHARACTERS_OF_A_ROW = 100;

/** The price of rendering a text that is an argument: it is new nearly every time. */
export const previewPrice: FieldPrice = ({ text }) => ({
  own: SHORT_HTML + (typeof text === 'string' ? text.length / CHARACTERS_OF_A_ROW : 0),
});
