import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { failureOf, fieldWords } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { RelativeTime } from '../../design/relative-time.js';
import { SelectField, TextField } from '../../design/text-field.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { ApiKeyScope } from '../../gql/graphql.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { AccountForm } from './account-form.js';
import { ApiKeyItem, ApiKeysOfViewer, CreateApiKey, RevokeApiKey } from './operations.js';
import { settingsTexts } from './settings-texts.js';
import styles from './settings-page.module.css';

/** Those of members. READ belongs to every key. */
const SCOPES = [
  'WRITE_POSTS',
  'WRITE_KNOWLEDGE',
  'WRITE_CONVERSATIONS',
  'WRITE_NOTIFICATIONS',
  'WRITE_FOLLOWS',
  'WRITE_BLOCKS',
  'WRITE_PRESENCE',
  'WRITE_ACCOUNT',
  'AGENT',
] as const satisfies readonly ApiKeyScope[];

const LIVES_IN_DAYS = [7, 30, 90, 365] as const;
const DAY_MS = 24 * 60 * 60 * 1_000;

interface RowProps {
  readonly apiKey: FragmentType<typeof ApiKeyItem>;
  readonly onRevoke: (id: string) => void;
}

const Row = ({ apiKey, onRevoke }: RowProps) => {
  const t = useTexts(settingsTexts);
  const { id, name, start, scopes, expiresAt, lastUsedAt } = readFragment(ApiKeyItem, apiKey);
  return (
    <li className={styles.session}>
      <span>
        <bdi>{name}</bdi> <code>{start}…</code>
        <span className={styles.detail}>{scopes.map((scope) => t(scope)).join(', ')}</span>
        <span className={styles.detail}>
          {lastUsedAt === null ? t('neverUsed') : t.rich('lastUsed', { at: <RelativeTime key="used" at={lastUsedAt} /> })}{' '}
          {t.rich('ends', { at: <RelativeTime key="end" at={expiresAt} /> })}
        </span>
      </span>
      <Button look="plain" aria-label={t('revokeKey', { name })} onClick={() => onRevoke(id)}>
        {t('revoke')}
      </Button>
    </li>
  );
};

/** The secret of a key that was just made. Nobody can show it again. */
const NewSecret = ({ secret, onDone }: { readonly secret: string; readonly onDone: () => void }) => {
  const t = useTexts(settingsTexts);
  return (
    <div className={styles.form} role="status">
      <TextField label={t('secret')} hint={t('shownOnce')} value={secret} readOnly onFocus={({ target }) => target.select()} />
      <Button className={styles.act} onClick={onDone}>
        {t('secretKept')}
      </Button>
    </div>
  );
};

const NewKey = ({ isModerator, onMade }: { readonly isModerator: boolean; readonly onMade: (secret: string) => void }) => {
  const t = useTexts(settingsTexts);
  const words = useTexts(fieldTexts);
  const [, create] = useMutation(CreateApiKey);
  return (
    <AccountForm
      title={t('newKey')}
      submit={t('newKey')}
      cancel={t('cancel')}
      onSubmit={async (values) => {
        const scopes = values.getAll('scope').filter((scope) => typeof scope === 'string') as ApiKeyScope[];
        const days = Number(values.get('days'));
        const name = values.get('name');
        const { data, error } = await create({
          input: {
            name: typeof name === 'string' ? name : '',
            scopes: ['READ', ...scopes],
            expiresAt: new Date(Date.now() + days * DAY_MS).toISOString(),
          },
        });
        if (data?.createApiKey) onMade(data.createApiKey.secret);
        return error;
      }}
    >
      {(failure) => (
        <>
          <TextField
            name="name"
            label={t('keyName')}
            hint={t('keyNameHint')}
            error={fieldWords(failure, 'name', words)}
            autoComplete="off"
            required
          />
          <SelectField name="days" label={t('keyLife')} defaultValue={90} error={fieldWords(failure, 'expiresAt', words)}>
            {LIVES_IN_DAYS.map((days) => (
              <option key={days} value={days}>
                {t('days', { count: days })}
              </option>
            ))}
          </SelectField>
          <fieldset className={styles.choices}>
            <legend className={styles.quiet}>{t('keyScopes')}</legend>
            <label className={styles.choice}>
              <input type="checkbox" className={styles.box} checked disabled />
              {t('READ')}
            </label>
            {[...SCOPES, ...(isModerator ? (['ADMIN'] as const) : [])].map((scope) => (
              <label key={scope} className={styles.choice}>
                <input type="checkbox" className={styles.box} name="scope" value={scope} />
                {t(scope)}
              </label>
            ))}
          </fieldset>
        </>
      )}
    </AccountForm>
  );
};

/** The keys with which programs act for the viewer: made, shown once, revoked. */
export const ApiKeys = () => {
  const t = useTexts(settingsTexts);
  const answer = useQuery({ query: ApiKeysOfViewer, requestPolicy: 'cache-and-network' });
  const [revoked, revoke] = useMutation(RevokeApiKey);
  const [secret, setSecret] = useState<string | null>(null);
  const failure = failureOf(revoked.error);
  return (
    <Answer of={answer}>
      {({ me }) =>
        me && (
          <>
            <p className={styles.quiet}>{me.user.role === 'GUEST' ? t('keysOfGuests') : t('keysText')}</p>
            {failure && <ErrorNotice failure={failure} />}
            {me.apiKeys.length > 0 && (
              <ul className={styles.sessions}>
                {me.apiKeys.map((apiKey) => (
                  <Row key={apiKey.id} apiKey={apiKey} onRevoke={(apiKeyId) => void revoke({ apiKeyId })} />
                ))}
              </ul>
            )}
            {secret !== null && <NewSecret secret={secret} onDone={() => setSecret(null)} />}
            {me.user.role !== 'GUEST' && (
              <NewKey isModerator={me.user.role === 'MODERATOR' || me.user.role === 'ADMIN'} onMade={setSecret} />
            )}
          </>
        )
      }
    </Answer>
  );
};
