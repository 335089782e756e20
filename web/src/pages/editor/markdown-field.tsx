import { Toolbar, ToolbarItem, ToolbarProvider } from '@ariakit/react/toolbar';
import { Bold, Code, Heading2, Italic, Link2, List, type LucideIcon } from 'lucide-react';
import type { KeyboardEvent, RefObject } from 'react';
import { IconButton } from '../../design/button.js';
import { TextArea } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { editorTexts } from './editor-texts.js';
import { coded, linked, prefixed, surround, type Edit, type Selected } from './markdown-edits.js';
import styles from './editor-page.module.css';

interface MarkdownFieldProps {
  readonly area: RefObject<HTMLTextAreaElement | null>;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly error: string | null;
}

interface Tool {
  readonly name: 'bold' | 'italic' | 'link' | 'heading' | 'list' | 'code';
  readonly Icon: LucideIcon;
  /** Its key with Ctrl or Cmd: the value of `code`, and whether Shift or Alt belong to it. */
  readonly key: { readonly code: string; readonly shift?: true; readonly alt?: true; readonly shown: string };
  readonly edit: (selected: Selected) => Edit;
}

const isMac = /Mac|iP(hone|ad)/.test(navigator.userAgent);
const shownKey = (key: string): string => (isMac ? key.replace('Ctrl', '⌘') : key);

/** Changes the text as typing does, so that the browser's undo knows it. */
const apply = (area: HTMLTextAreaElement, { from, to, insert, select }: Edit): void => {
  area.focus();
  area.setSelectionRange(from, to);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- Nothing else writes into a field and leaves its undo as it was.
  if (!document.execCommand('insertText', false, insert)) {
    area.setRangeText(insert);
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }
  area.setSelectionRange(...select);
};

/** A field for Markdown with a toolbar: plain text, and keys for what is written most. */
export const MarkdownField = ({ area, value, onChange, error }: MarkdownFieldProps) => {
  const t = useTexts(editorTexts);
  const tools: readonly Tool[] = [
    { name: 'bold', Icon: Bold, key: { code: 'KeyB', shown: 'Ctrl+B' }, edit: (selected) => surround(selected, '**', t('boldText')) },
    { name: 'italic', Icon: Italic, key: { code: 'KeyI', shown: 'Ctrl+I' }, edit: (selected) => surround(selected, '*', t('italicText')) },
    { name: 'link', Icon: Link2, key: { code: 'KeyK', shown: 'Ctrl+K' }, edit: (selected) => linked(selected, t('linkText')) },
    {
      name: 'heading',
      Icon: Heading2,
      key: { code: 'Digit2', alt: true, shown: 'Ctrl+Alt+2' },
      edit: (selected) => prefixed(selected, '## '),
    },
    { name: 'list', Icon: List, key: { code: 'Digit8', shift: true, shown: 'Ctrl+Shift+8' }, edit: (selected) => prefixed(selected, '- ') },
    { name: 'code', Icon: Code, key: { code: 'KeyE', shown: 'Ctrl+E' }, edit: (selected) => coded(selected, t('codeText')) },
  ];
  const format = ({ edit }: Tool): void => {
    const { current } = area;
    if (current) apply(current, edit({ text: current.value, start: current.selectionStart, end: current.selectionEnd }));
  };
  const byKey = (event: KeyboardEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return;
    const tool = tools.find(
      ({ key }) => key.code === event.code && event.shiftKey === (key.shift ?? false) && event.altKey === (key.alt ?? false),
    );
    if (!tool) return;
    // Also what the frame does upon the same key, when nobody writes.
    event.preventDefault();
    event.stopPropagation();
    format(tool);
  };
  return (
    <div className={styles.writing}>
      <ToolbarProvider>
        <Toolbar className={styles.toolbar} aria-label={t('tools')}>
          {tools.map((tool) => {
            const { name, Icon, key } = tool;
            return (
              <ToolbarItem
                key={name}
                onClick={() => format(tool)}
                render={<IconButton label={`${t(name)} (${shownKey(key.shown)})`} icon={<Icon size={16} />} />}
              />
            );
          })}
        </Toolbar>
      </ToolbarProvider>
      <TextArea
        ref={area}
        label={t('content')}
        hint={t('contentHint')}
        error={error}
        className={styles.area}
        value={value}
        rows={16}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={byKey}
      />
    </div>
  );
};
