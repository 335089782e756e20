import { useEffect, useRef, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Link, useLocation, useSearch } from 'wouter';
import { useConnection } from '../../api/api-provider.js';
import { failureOf, fieldWords, type Failure } from '../../api/failure.js';
import { useLeaveGuard } from '../../app/leave-guard.js';
import { useMedia } from '../../app/media.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Tabs } from '../../design/tabs.js';
import { SelectField, TextField } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import { readFragment } from '../../gql/fragment-masking.js';
import type { EditedEntryFragment } from '../../gql/graphql.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { Conflict } from './conflict.js';
import { draftPlace, type Target } from './drafts.js';
import { editorTexts } from './editor-texts.js';
import { fieldsOf, isSame, mergeFields, type Fields } from './fields.js';
import { MarkdownField } from './markdown-field.js';
import { EditedEntry, EditorCategories, EntryNow } from './operations.js';
import { Preview } from './preview.js';
import { save, targetOf } from './saving.js';
import { useDraft } from './use-draft.js';
import styles from './editor-page.module.css';

interface EntryFormProps {
  readonly owner: string;
  /** Null for a new entry. */
  readonly entry: EditedEntryFragment | null;
}

/** What an editor that takes the place of another is told: where the caret was. */
interface Handover {
  readonly caret?: number;
}

/** What stands in the way of saving. */
interface Collision {
  /** The entry as it is now; null when it is gone. */
  readonly other: EditedEntryFragment | null;
  /** Both texts together, from what was written and into what was saved; null where they are of the same lines. */
  readonly merged: (Pick<Fields, 'title' | 'content'> & { readonly from: Fields; readonly into: EditedEntryFragment }) | null;
}

/** Writes an entry. What is written is kept in this browser until it is saved. */
export const EntryForm = ({ owner, entry }: EntryFormProps) => {
  const t = useTexts(editorTexts);
  const words = useTexts(fieldTexts);
  const client = useClient();
  const toast = useToast();
  const [, navigate] = useLocation();
  const isOffline = useConnection().state === 'offline';
  const isNarrow = useMedia('(width < 1100px)');
  const tab = new URLSearchParams(useSearch()).get('tab') === 'preview' ? 'preview' : 'write';
  const [{ data: known }] = useQuery({ query: EditorCategories });
  const draft = useDraft(owner, entry);
  const { fields, base, isDirty } = draft;
  const area = useRef<HTMLTextAreaElement>(null);
  const isSaving = useRef(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [conflict, setConflict] = useState<Collision | null>(null);
  const [showsRestored, setShowsRestored] = useState(draft.isRestored && isDirty);
  const [wasSaved, setWasSaved] = useState(false);
  const guard = useLeaveGuard(isDirty);
  const set = (changes: Partial<Fields>): void => draft.change({ fields: { ...draft.latest().fields, ...changes } });

  useEffect(() => {
    const { caret } = (history.state ?? {}) as Handover;
    // After the page has given the focus to its heading.
    if (caret !== undefined)
      requestAnimationFrame(() => {
        area.current?.focus();
        area.current?.setSelectionRange(caret, caret);
      });
  }, []);

  const done = (saved: EditedEntryFragment, written: Fields, then: 'stay' | 'show'): void => {
    const { fields: present } = draft.latest();
    const isWrittenOn = !isSame(present, written);
    setConflict(null);
    setShowsRestored(false);
    setWasSaved(true);
    draft.change({ base: written, target: targetOf(saved), attempt: null });
    if (then === 'stay' && entry !== null) return;
    if (then === 'show' && !isWrittenOn) {
      draft.close();
      navigate(paths.entry(saved.slug), { replace: true });
      toast(t('saved'));
      return;
    }
    if (entry !== null) return;
    // It has an address now, and what was written while it was sent goes there.
    draft.close();
    if (isWrittenOn) draftPlace(owner, saved.id).keep({ fields: present, target: targetOf(saved), attempt: null });
    const handover: Handover = { caret: area.current?.selectionStart ?? 0 };
    navigate(paths.editEntry(saved.slug), { replace: true, state: handover });
    toast(t('saved'));
  };

  const act = async (then: 'stay' | 'show', from?: Target | null): Promise<void> => {
    if (isSaving.current) return;
    isSaving.current = true;
    setBusy(true);
    setFailure(null);
    const { fields: written, target: present, attempt } = draft.latest();
    const start = from === undefined ? present : from;
    const result = await save(client, {
      fields: written,
      target: start,
      attempt: from === undefined ? attempt : null,
      onProgress: (next, onwards) => draft.change({ attempt: next, target: onwards }),
    });
    if (result.entry) done(result.entry, written, then);
    else if (start !== null && (result.failure.code === 'CONFLICT' || result.failure.code === 'NOT_FOUND')) {
      const { data, error } = await client.query(EntryNow, { id: start.id }, { requestPolicy: 'network-only' });
      if (error) setFailure(failureOf(error));
      else {
        const other = readFragment(EditedEntry, data?.entry) ?? null;
        const { merged } = result;
        // What was saved after that is not in it.
        setConflict({ other, merged: other && merged?.version === other.version ? { ...merged, from: written, into: other } : null });
      }
    } else setFailure(result.failure);
    isSaving.current = false;
    setBusy(false);
  };

  const latestAct = useRef(act);
  useEffect(() => {
    latestAct.current = act;
  });
  useEffect(() => {
    const byKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 's') return;
      event.preventDefault();
      void latestAct.current('stay');
    };
    document.addEventListener('keydown', byKey);
    return () => document.removeEventListener('keydown', byKey);
  }, []);

  /** Goes on with another text; the one in the form can be had back for some seconds. */
  const replace = (by: Fields, from: Target | null, said: string): void => {
    const mine = draft.latest().fields;
    draft.change({ fields: by, base: by, target: from, attempt: null });
    setConflict(null);
    setShowsRestored(false);
    toast(said, { label: t('undo'), onAct: () => draft.change({ fields: mine }) });
  };

  /** Goes on with both texts, to be looked at and saved. */
  const putTogether = ({ from, into, ...text }: NonNullable<Collision['merged']>): void => {
    const theirs = fieldsOf(into);
    draft.change({ fields: mergeFields(base, from, theirs, text), base: theirs, target: targetOf(into), attempt: null });
    setConflict(null);
    toast(t('merged'));
  };

  const fieldError = (path: string): string | null => {
    const found = failure?.fields.find((field) => field.path === path || field.path.startsWith(`${path}.`));
    return found ? fieldWords(failure, found.path, words) : null;
  };
  const hasFieldErrors = ['title', 'content', 'category', 'tags', 'isPublic'].some((path) => fieldError(path) !== null);
  const status = !isDirty ? t(wasSaved ? 'saved' : 'untouched') : !draft.isKept ? t('notKept') : t(isOffline ? 'keptOffline' : 'kept');
  const categories = known?.categories ?? [];
  const isUnknown = fields.category !== '' && categories.every(({ slug }) => slug !== fields.category);
  const writing = (
    <MarkdownField area={area} value={fields.content} onChange={(content) => set({ content })} error={fieldError('content')} />
  );
  const preview = <Preview text={fields.content} />;
  const merged = conflict?.merged ?? null;
  const back = entry === null ? paths.vault : paths.entry(entry.slug);

  return (
    <Page
      title={entry === null ? t('newEntry') : t('edit', { title: entry.title })}
      width="wide"
      actions={
        <>
          <Link to={back} className={buttonClass()}>
            {t('cancel')}
          </Link>
          <Button look="primary" busy={busy} onClick={() => void act('show')}>
            {t('save')}
          </Button>
        </>
      }
    >
      <p className={styles.status} role="status">
        {status}
      </p>
      {showsRestored && (
        <div className={styles.notice}>
          <p>{t('restored')}</p>
          <Button look="plain" onClick={() => replace(base, entry ? targetOf(entry) : null, t('discarded'))}>
            {t('discard')}
          </Button>
        </div>
      )}
      {conflict && (
        <Conflict
          other={conflict.other}
          busy={busy}
          onKeepMine={() => void act('show', conflict.other ? targetOf(conflict.other) : null)}
          onMerge={merged && isSame(merged.from, fields) ? () => putTogether(merged) : null}
          onTakeOther={() => {
            if (conflict.other) replace(fieldsOf(conflict.other), targetOf(conflict.other), t('tookOther'));
          }}
        />
      )}
      {failure && !hasFieldErrors && (
        <ErrorNotice failure={failure} onRetry={() => void act('show')}>
          <p>{t('failedKept')}</p>
        </ErrorNotice>
      )}
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void act('show');
        }}
        noValidate
      >
        <TextField
          label={t('title')}
          value={fields.title}
          onChange={({ target: { value } }) => set({ title: value })}
          error={fieldError('title')}
          required
        />
        <div className={styles.about}>
          <SelectField
            label={t('category')}
            value={fields.category}
            onChange={({ target: { value } }) => set({ category: value })}
            error={fieldError('category')}
          >
            <option value="">{t('noCategory')}</option>
            {isUnknown && <option value={fields.category}>{fields.category}</option>}
            {categories.map(({ id, slug, name }) => (
              <option key={id} value={slug}>
                {name}
              </option>
            ))}
          </SelectField>
          <TextField
            label={t('tags')}
            hint={t('tagsHint')}
            value={fields.tags}
            onChange={({ target: { value } }) => set({ tags: value })}
            error={fieldError('tags')}
            autoComplete="off"
          />
          <SelectField
            label={t('visibility')}
            value={fields.isPublic ? 'everyone' : 'onlyYou'}
            onChange={({ target: { value } }) => set({ isPublic: value === 'everyone' })}
            error={fieldError('isPublic')}
          >
            <option value="everyone">{t('everyone')}</option>
            <option value="onlyYou">{t('onlyYou')}</option>
          </SelectField>
        </div>
        {isNarrow ? (
          <Tabs
            label={t('parts')}
            selected={tab}
            onSelect={(id) => navigate(id === 'preview' ? `${location.pathname}?tab=preview` : location.pathname, { replace: true })}
            tabs={[
              { id: 'write', title: t('write'), content: writing },
              { id: 'preview', title: t('preview'), content: preview },
            ]}
          />
        ) : (
          <div className={styles.panes}>
            {writing}
            {preview}
          </div>
        )}
      </form>
      <Dialog
        open={guard.isAsking}
        onClose={guard.stay}
        title={t('leaveTitle')}
        actions={
          <>
            <Button onClick={guard.leave}>{t('leave')}</Button>
            <Button look="primary" onClick={guard.stay}>
              {t('stay')}
            </Button>
          </>
        }
      >
        <p dir="auto">{t('leaveText', { title: fields.title.trim() === '' ? t('untitled') : fields.title })}</p>
      </Dialog>
    </Page>
  );
};
