import { useClient, useMutation, useQuery } from 'urql';
import { useLocation } from 'wouter';
import { failureOf } from '../../api/failure.js';
import { useLive } from '../../api/live.js';
import { tokens } from '../../api/session.js';
import { Answer } from '../../app/answer.js';
import { forgetTexts } from '../../app/drafts.js';
import { paths } from '../../app/paths.js';
import { secretTextOf } from '../../app/sending.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { SelectField, TextField } from '../../design/text-field.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { Audience } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { usePresentPasswordWords } from './account.js';
import { AccountForm } from './account-form.js';
import { DataOfViewer, DeleteMyAccount, ExportChanged, ExportItem, ExportMyData, SetPrivacy } from './operations.js';
import styles from './settings-page.module.css';
import { settingsTexts } from './settings-texts.js';

/** The last export, while it is made and once it is there. */
const LastExport = ({ last }: { readonly last: FragmentType<typeof ExportItem> }) => {
  const t = useTexts(settingsTexts);
  const client = useClient();
  const { id, state, done, total, file, endedAt } = readFragment(ExportItem, last);
  useLive({ query: ExportChanged, variables: endedAt === null ? { id } : null, about: endedAt === null ? id : '' });
  // The link that the page was given may have ended.
  const download = async (): Promise<void> => {
    const { data } = await client.query(DataOfViewer, {}, { requestPolicy: 'network-only' }).toPromise();
    const export_ = data?.me?.dataExport;
    const url = export_ && readFragment(ExportItem, export_).file?.url;
    if (url) location.assign(url);
  };
  if (endedAt === null) return <progress className={styles.act} aria-label={t('exporting')} value={done} max={total ?? 1} />;
  if (state === 'FAILED') return <p role="alert">{t('exportFailed')}</p>;
  return file === null ? (
    <p className={styles.quiet}>{t('exportGone')}</p>
  ) : (
    <Button className={styles.act} onClick={() => void download()}>
      {t('download', { size: Math.ceil(file.size / 1_024) })}
    </Button>
  );
};

const AUDIENCES: readonly Audience[] = ['EVERYONE', 'FOLLOWED', 'NOBODY'];
const AUDIENCE_SETTINGS = ['messagesFrom', 'presenceVisibleTo', 'lastSeenVisibleTo'] as const;
const SWITCHES = ['appearsOffline', 'isListed'] as const;

/** What others may do and see of the viewer. */
export const Privacy = () => {
  const t = useTexts(settingsTexts);
  const answer = useQuery({ query: DataOfViewer });
  const [{ error }, set] = useMutation(SetPrivacy);
  const failure = failureOf(error);
  return (
    <Answer of={answer}>
      {({ me }) =>
        me && (
          <>
            {failure && <ErrorNotice failure={failure} />}
            {AUDIENCE_SETTINGS.map((name) => (
              <SelectField
                key={name}
                label={t(name)}
                value={me[name]}
                onChange={({ target }) => void set({ input: { [name]: target.value as Audience } })}
              >
                {AUDIENCES.map((each) => (
                  <option key={each} value={each}>
                    {t(each)}
                  </option>
                ))}
              </SelectField>
            ))}
            {SWITCHES.map((name) => (
              <label key={name} className={styles.choice}>
                <input
                  type="checkbox"
                  className={styles.box}
                  checked={me[name]}
                  onChange={({ target }) => void set({ input: { [name]: target.checked } })}
                />
                {t(name)}
              </label>
            ))}
            <p className={styles.quiet}>{t('hiddenText')}</p>
          </>
        )
      }
    </Answer>
  );
};

/** What is stored of the viewer: to be had, and to be ended. */
export const YourData = ({ isGuest }: { readonly isGuest: boolean }) => {
  const t = useTexts(settingsTexts);
  const presentWords = usePresentPasswordWords();
  const [, navigate] = useLocation();
  const answer = useQuery({ query: DataOfViewer });
  const [begun, begin] = useMutation(ExportMyData);
  const [, remove] = useMutation(DeleteMyAccount);
  const failure = failureOf(begun.error);
  const again = answer[1];
  const start = async (): Promise<void> => {
    await begin({});
    again({ requestPolicy: 'network-only' });
  };
  return (
    <Answer of={answer}>
      {({ me }) =>
        me && (
          <>
            <p className={styles.quiet}>{t('dataText')}</p>
            {failure && <ErrorNotice failure={failure} />}
            {me.dataExport && <LastExport last={me.dataExport} />}
            <Button className={styles.act} busy={begun.fetching} onClick={() => void start()}>
              {t('exportData')}
            </Button>
            <AccountForm
              title={t('deleteAccount')}
              submit={t('deleteForGood')}
              cancel={t('cancel')}
              onSubmit={async (values) => {
                const owner = tokens.owner();
                const { error } = await remove({ input: isGuest ? {} : { password: secretTextOf(values, 'password') } });
                if (error) return error;
                tokens.signOut();
                if (owner !== null) forgetTexts(owner);
                navigate(paths.vault);
                return undefined;
              }}
            >
              {(wrong) => (
                <>
                  <p>{t('deleteText')}</p>
                  {!isGuest && (
                    <TextField
                      label={t('presentPassword')}
                      name="password"
                      type="password"
                      autoComplete="current-password"
                      required
                      error={presentWords(wrong, 'password')}
                    />
                  )}
                </>
              )}
            </AccountForm>
          </>
        )
      }
    </Answer>
  );
};
