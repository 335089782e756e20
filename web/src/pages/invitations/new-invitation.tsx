import { Copy } from 'lucide-react';
import { useRef, useState, type SubmitEvent } from 'react';
import { useMutation } from 'urql';
import { failureOf, fieldWords } from '../../api/failure.js';
import { useCopy } from '../../app/copy.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { SelectField, TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { invitationsTexts } from './invitations-texts.js';
import { CreateInvitation } from './operations.js';
import styles from './invitations-page.module.css';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** For how many days one may be good; the first is what is proposed. */
const DAYS = [7, 1, 30, 89];

/** The link of an invitation, which is shown this once. */
const Link = ({ url, onDone }: { readonly url: string; readonly onDone: () => void }) => {
  const t = useTexts(invitationsTexts);
  const copy = useCopy();
  return (
    <div className={styles.form}>
      <TextField
        label={t('link')}
        hint={t('linkHint')}
        value={url}
        readOnly
        dir="ltr"
        autoFocus
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      <div className={styles.acts}>
        <Button look="primary" onClick={() => copy(url, t('copied'))}>
          <Copy size={16} aria-hidden="true" />
          {t('copy')}
        </Button>
        <Button onClick={onDone}>{t('done')}</Button>
      </div>
    </div>
  );
};

/** Makes an invitation, and shows its link. */
export const NewInvitation = () => {
  const t = useTexts(invitationsTexts);
  const words = useTexts(fieldTexts);
  const [maxUses, setMaxUses] = useState('1');
  const [days, setDays] = useState(String(DAYS[0]));
  const [note, setNote] = useState('');
  const [url, setUrl] = useState<string | null>(null);
  const [isWrong, setWrong] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const [{ fetching, error }, create] = useMutation(CreateInvitation);
  const failure = failureOf(error);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (fetching) return;
    const count = Number(maxUses);
    setWrong(!Number.isInteger(count) || count < 1);
    if (!Number.isInteger(count) || count < 1) {
      field.current?.focus();
      return;
    }
    const expiresAt = new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    const { data } = await create({ input: { maxUses: count, expiresAt, note: note.trim() || null } });
    if (!data?.createInvitation) return;
    setUrl(data.createInvitation.url);
    setNote('');
    setMaxUses('1');
  };
  if (url !== null) return <Link url={url} onDone={() => setUrl(null)} />;
  return (
    <form className={styles.form} aria-label={t('create')} noValidate onSubmit={(event) => void send(event)}>
      {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      <div className={styles.pair}>
        <TextField
          ref={field}
          label={t('maxUses')}
          type="number"
          inputMode="numeric"
          min={1}
          value={maxUses}
          onChange={({ currentTarget }) => setMaxUses(currentTarget.value)}
          error={isWrong ? t('notNumber') : fieldWords(failure, 'maxUses', words)}
        />
        <SelectField label={t('period')} value={days} onChange={({ target }) => setDays(target.value)}>
          {[...DAYS]
            .sort((one, other) => one - other)
            .map((count) => (
              <option key={count} value={count}>
                {t('days', { count })}
              </option>
            ))}
        </SelectField>
      </div>
      <TextField
        label={t('note')}
        hint={t('noteHint')}
        value={note}
        maxLength={200}
        onChange={({ currentTarget }) => setNote(currentTarget.value)}
        error={fieldWords(failure, 'note', words)}
      />
      <Button type="submit" look="primary" className={styles.act} busy={fetching}>
        {t('create')}
      </Button>
    </form>
  );
};
