import { useState } from 'react';
import { useMutation } from 'urql';
import { fieldWords } from '../../../api/failure.js';
import { knowsPasskeys, makePasskey } from '../../../app/passkeys.js';
import { textOf } from '../../../app/sending.js';
import { RelativeTime } from '../../../design/relative-time.js';
import { TextField } from '../../../design/text-field.js';
import { useToast } from '../../../design/toast.js';
import { readFragment, type FragmentType } from '../../../gql/fragment-masking.js';
import { fieldTexts } from '../../../i18n/field-texts.js';
import { useTexts } from '../../../i18n/language.js';
import { PresentPassword, presentPasswordOf } from '../account.js';
import { AccountForm } from '../account-form.js';
import page from '../settings-page.module.css';
import { AddPasskey, PasskeyItem, RemovePasskey, RenamePasskey, StartPasskey } from '../operations.js';
import { secondFactorTexts } from './second-factor-texts.js';
import styles from './second-factor.module.css';

const Row = ({ passkey, hasPassword }: { readonly passkey: FragmentType<typeof PasskeyItem>; readonly hasPassword: boolean }) => {
  const t = useTexts(secondFactorTexts);
  const words = useTexts(fieldTexts);
  const { id, name, isBackedUp, createdAt, lastUsedAt } = readFragment(PasskeyItem, passkey);
  const [, rename] = useMutation(RenamePasskey);
  const [, remove] = useMutation(RemovePasskey);
  return (
    <li className={styles.passkey}>
      <span>
        <bdi>{name}</bdi>
        <span className={styles.detail}>
          {t.rich('added', { at: <RelativeTime key="added" at={createdAt} /> })}{' '}
          {lastUsedAt === null ? t('neverUsed') : t.rich('used', { at: <RelativeTime key="used" at={lastUsedAt} /> })}{' '}
          {isBackedUp && t('isBackedUp')}
        </span>
      </span>
      <div className={page.acts}>
        <AccountForm
          title={t('rename')}
          label={t('renamePasskey', { name })}
          submit={t('save')}
          cancel={t('cancel')}
          onSubmit={async (values) => (await rename({ input: { passkeyId: id, name: textOf(values, 'name') } })).error}
        >
          {(failure) => (
            <TextField
              name="name"
              label={t('passkeyName')}
              defaultValue={name}
              error={fieldWords(failure, 'name', words)}
              autoComplete="off"
              required
            />
          )}
        </AccountForm>
        <AccountForm
          title={t('remove')}
          label={t('removePasskey', { name })}
          submit={t('remove')}
          cancel={t('cancel')}
          onSubmit={async (values) => {
            return (await remove({ input: { passkeyId: id, ...presentPasswordOf(values, hasPassword) } })).error;
          }}
        >
          {(failure) => hasPassword && <PresentPassword name="password" failure={failure} />}
        </AccountForm>
      </div>
    </li>
  );
};

interface PasskeysProps {
  readonly passkeys: readonly ({ readonly id: string } & FragmentType<typeof PasskeyItem>)[];
  readonly hasPassword: boolean;
  readonly onCodes: (codes: readonly string[]) => void;
}

/** The passkeys of the viewer: made, named, removed. */
export const Passkeys = ({ passkeys, hasPassword, onCodes }: PasskeysProps) => {
  const t = useTexts(secondFactorTexts);
  const words = useTexts(fieldTexts);
  const toast = useToast();
  const [, start] = useMutation(StartPasskey);
  const [, add] = useMutation(AddPasskey);
  const [isKnown] = useState(knowsPasskeys);
  return (
    <div className={styles.part}>
      <h3 className={styles.title}>{t('passkeys')}</h3>
      {passkeys.length === 0 && <p className={page.quiet}>{t('noPasskeys')}</p>}
      <ul className={styles.passkeys}>
        {passkeys.map((passkey) => (
          <Row key={passkey.id} passkey={passkey} hasPassword={hasPassword} />
        ))}
      </ul>
      {isKnown ? (
        <AccountForm
          title={t('addPasskey')}
          submit={t('addPasskey')}
          cancel={t('cancel')}
          onSubmit={async (values) => {
            const asked = await start({ input: presentPasswordOf(values, hasPassword) });
            if (!asked.data?.startPasskey) return asked.error;
            const { token, options } = asked.data.startPasskey;
            const answer = await makePasskey(options);
            if ('refused' in answer) {
              toast(t(answer.refused === 'PRESENT' ? 'present' : 'cancelled'));
              return undefined;
            }
            const { data, error } = await add({ input: { token, credential: answer.credential, name: textOf(values, 'name') } });
            if (data?.addPasskey?.recoveryCodes) onCodes(data.addPasskey.recoveryCodes);
            return error;
          }}
        >
          {(failure) => (
            <>
              <TextField
                name="name"
                label={t('passkeyName')}
                hint={t('passkeyNameHint')}
                error={fieldWords(failure, 'name', words)}
                autoComplete="off"
                required
              />
              {hasPassword && <PresentPassword name="password" failure={failure} />}
            </>
          )}
        </AccountForm>
      ) : (
        <p className={page.quiet}>{t('notHere')}</p>
      )}
    </div>
  );
};
