import { useState, type SubmitEvent } from 'react';
import { useMutation } from 'urql';
import { Link, useLocation } from 'wouter';
import { failureOf, fieldWords, type Failure } from '../../api/failure.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { TextArea, TextField } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { EditProfile } from './operations.js';
import type { Person } from './person.js';
import { personTexts } from './person-texts.js';
import styles from './person-page.module.css';

/** What the viewer tells of themselves. */
export const ProfileForm = ({ person }: { readonly person: Person }) => {
  const t = useTexts(personTexts);
  const words = useTexts(fieldTexts);
  const toast = useToast();
  const [, navigate] = useLocation();
  const [displayName, setDisplayName] = useState(person.displayName);
  const [status, setStatus] = useState(person.status ?? '');
  const [bio, setBio] = useState(person.bio ?? '');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [{ fetching }, edit] = useMutation(EditProfile);
  const home = paths.person(person.username);
  const save = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (fetching) return;
    const { error } = await edit({ input: { displayName: displayName.trim(), status: status.trim() || null, bio: bio.trim() || null } });
    setFailure(failureOf(error));
    if (error) return;
    toast(t('saved'));
    navigate(home, { replace: true });
  };
  return (
    <form className={styles.form} onSubmit={(event) => void save(event)} noValidate>
      {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      <TextField
        label={t('displayName')}
        value={displayName}
        onChange={({ currentTarget }) => setDisplayName(currentTarget.value)}
        error={fieldWords(failure, 'displayName', words)}
        autoComplete="name"
        required
      />
      <TextField
        label={t('status')}
        hint={t('statusHint')}
        value={status}
        onChange={({ currentTarget }) => setStatus(currentTarget.value)}
        error={fieldWords(failure, 'status', words)}
        autoComplete="off"
      />
      <TextArea
        label={t('bio')}
        hint={t('bioHint')}
        value={bio}
        onChange={({ currentTarget }) => setBio(currentTarget.value)}
        error={fieldWords(failure, 'bio', words)}
      />
      <div className={styles.buttons}>
        <Link to={home} replace className={buttonClass('plain')}>
          {t('cancel')}
        </Link>
        <Button type="submit" look="primary" busy={fetching}>
          {t('save')}
        </Button>
      </div>
    </form>
  );
};
