import { useState } from 'react';
import { useMutation } from 'urql';
import { Link, useLocation } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, fieldWords } from '../../api/failure.js';
import { paths } from '../../app/paths.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { joinTexts } from './join-texts.js';
import { CreateRoom } from './operations.js';
import styles from './join.module.css';

/** Leads to the room of a code. */
export const CodeForm = () => {
  const t = useTexts(joinTexts);
  const [, navigate] = useLocation();
  const [code, setCode] = useState('');
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (code.trim() !== '') navigate(paths.join(code.trim()));
      }}
    >
      <h2>{t('joinTitle')}</h2>
      <TextField
        label={t('code')}
        hint={t('codeHint')}
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
      />
      <Button type="submit" look="primary">
        {t('look')}
      </Button>
    </form>
  );
};

/** Opens a room of one's own. */
export const RoomForm = () => {
  const t = useTexts(joinTexts);
  const words = useTexts(fieldTexts);
  const owner = useOwner();
  const [location, navigate] = useLocation();
  const [title, setTitle] = useState('');
  const [passcode, setPasscode] = useState('');
  const [clientId, setClientId] = useState(() => crypto.randomUUID());
  const [{ fetching, error }, create] = useMutation(CreateRoom);
  const failure = failureOf(error);
  const open = async (): Promise<void> => {
    const { data } = await create({ input: { title: title.trim() || null, passcode: passcode || null, clientId } });
    if (data?.createRoom) navigate(`${paths.conversation(data.createRoom.conversation.id)}?panel=members`);
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!fetching) void open();
      }}
      // Other input is another act.
      onChange={() => setClientId(crypto.randomUUID())}
    >
      <h2>{t('createTitle')}</h2>
      <p className={styles.text}>{t('createText')}</p>
      {owner === null ? (
        <p>
          {t.rich('signInFirst', {
            signIn: (
              <Link key="sign-in" to={paths.signIn(location)}>
                {t('signIn')}
              </Link>
            ),
            guest: (
              <Link key="guest" to={paths.guest(location)}>
                {t('toGuest')}
              </Link>
            ),
          })}
        </p>
      ) : (
        <>
          {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
          <TextField
            label={t('name')}
            hint={t('nameHint')}
            value={title}
            maxLength={100}
            onChange={(event) => setTitle(event.currentTarget.value)}
            error={fieldWords(failure, 'title', words)}
          />
          <TextField
            label={t('passcode')}
            hint={t('passcodeHint')}
            value={passcode}
            maxLength={64}
            autoComplete="off"
            onChange={(event) => setPasscode(event.currentTarget.value)}
            error={fieldWords(failure, 'passcode', words)}
          />
          <Button type="submit" busy={fetching}>
            {t('create')}
          </Button>
        </>
      )}
    </form>
  );
};
