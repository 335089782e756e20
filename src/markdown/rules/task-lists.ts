import type { MarkdownIt, StateCore, Token } from 'markdown-it';

const BOX = /^\[([ xX\n])\](?=\s)/;

const checkbox = (state: StateCore, isChecked: boolean): Token => {
  const token = new state.Token('checkbox', 'input', 0);
  token.attrs = [['type', 'checkbox'], ['disabled', ''], ...(isChecked ? [['checked', ''] as [string, string]] : [])];
  return token;
};

/** Items that begin with `[ ]` or `[x]`, as boxes that cannot be ticked. */
export const taskLists = (md: MarkdownIt): void => {
  md.core.ruler.after('inline', 'task_lists', (state) => {
    state.tokens.forEach((item, index) => {
      const [paragraph, inline] = [state.tokens[index + 1], state.tokens[index + 2]];
      if (item.type !== 'list_item_open' || paragraph?.type !== 'paragraph_open') return;
      const [first] = inline?.children ?? [];
      const [box = '', mark] = BOX.exec(inline?.content ?? '') ?? [];
      // A link or a footnote that begins so is none.
      if (box === '' || first?.type !== 'text' || !first.content.startsWith(box)) return;
      first.content = first.content.slice(box.length);
      inline?.children?.unshift(checkbox(state, mark === 'x' || mark === 'X'));
      item.attrJoin('class', 'task-list-item');
    });
  });
};
