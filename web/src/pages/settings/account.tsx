import { useMutation } from 'urql';
import { Link } from 'wouter';
import { failureOf, fieldWords, type Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { EmailField } from '../../app/email-field.js';
import { NewPasswordField } from '../../app/new-password/new-password-field.js';
import { paths } from '../../app/paths.js';
import { secretTextOf, textOf } from '../../app/sending.js';
import { Button, buttonClass } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { SelectField, TextField } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import type { SettingsOfViewerQuery } from '../../gql/graphql.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { AccountForm } from './account-form.js';
import { ChangeEmail, ChangePassword, ResendVerification, SetLocale } from './operations.js';
import styles from './settings-page.module.css';
import { settingsTexts } from './settings-texts.js';

type Me = NonNullable<SettingsOfViewerQuery['me']>;

/** What is wrong with a field for the present password. */
export const usePresentPasswordWords = (): ((failure: Failure | null, path: string) => string | null) => {
  const t = useTexts(settingsTexts);
  const words = useTexts(fieldTexts);
  return (failure, path) =>
    failure?.fields.some((field) => field.path === path && field.code === 'NOT_ALLOWED') === true
      ? t('wrongPassword')
      : fieldWords(failure, path, words);
};

/** The present password of a form, for an input; nothing of who has none. */
export const presentPasswordOf = (values: FormData, hasPassword: boolean): { readonly password?: string } =>
  hasPassword ? { password: secretTextOf(values, 'password') } : {};

interface PresentPasswordProps {
  readonly name: 'password' | 'currentPassword';
  readonly failure: Failure | null;
}

/** The field for the present password. */
export const PresentPassword = ({ name, failure }: PresentPasswordProps) => {
  const t = useTexts(settingsTexts);
  const words = usePresentPasswordWords();
  return (
    <TextField
      name={name}
      type="password"
      label={t('presentPassword')}
      error={words(failure, name)}
      autoComplete="current-password"
      required
    />
  );
};

/** An address that waits to be confirmed. */
const Waiting = ({ address }: { readonly address: string }) => {
  const t = useTexts(settingsTexts);
  const toast = useToast();
  const [{ error, fetching }, resend] = useMutation(ResendVerification);
  const failure = failureOf(error);
  const again = async (): Promise<void> => {
    const { data } = await resend({});
    if (data?.resendVerification) toast(t('resent'));
  };
  return (
    <>
      <p className={styles.quiet}>{t('waiting', { address })}</p>
      {failure && <ErrorNotice failure={failure} />}
      <Button className={styles.act} busy={fetching} onClick={() => void again()}>
        {t('resend')}
      </Button>
    </>
  );
};

const EmailForm = ({ hasPassword }: Pick<Me, 'hasPassword'>) => {
  const t = useTexts(settingsTexts);
  const [, change] = useMutation(ChangeEmail);
  return (
    <AccountForm
      title={t('changeEmail')}
      submit={t('sendLink')}
      cancel={t('cancel')}
      onSubmit={async (values) => {
        const input = { email: textOf(values, 'email'), ...presentPasswordOf(values, hasPassword) };
        return (await change({ input })).error;
      }}
    >
      {(failure) => (
        <>
          <EmailField label={t('newEmail')} hint={t('newEmailHint')} failure={failure} />
          {hasPassword && <PresentPassword name="password" failure={failure} />}
        </>
      )}
    </AccountForm>
  );
};

const PasswordForm = ({ owner, hasPassword }: { readonly owner: string } & Pick<Me, 'hasPassword'>) => {
  const t = useTexts(settingsTexts);
  const words = useTexts(fieldTexts);
  const toast = useToast();
  const [, change] = useMutation(ChangePassword);
  return (
    <AccountForm
      title={t(hasPassword ? 'changePassword' : 'setPassword')}
      submit={t(hasPassword ? 'changePassword' : 'setPassword')}
      cancel={t('cancel')}
      onSubmit={async (values) => {
        const current = hasPassword ? { currentPassword: secretTextOf(values, 'currentPassword') } : {};
        const input = { ...current, newPassword: secretTextOf(values, 'newPassword') };
        const { data, error } = await change({ input });
        if (data?.changePassword) {
          const { accessToken, accessTokenExpiresAt, refreshToken } = data.changePassword.credentials;
          tokens.signIn(owner, { accessToken, accessTokenExpiresAt, refreshToken: refreshToken ?? null });
          toast(t('passwordChanged'));
        }
        return error;
      }}
    >
      {(failure) => (
        <>
          {hasPassword && <PresentPassword name="currentPassword" failure={failure} />}
          <NewPasswordField name="newPassword" label={t('newPassword')} error={fieldWords(failure, 'newPassword', words)} />
        </>
      )}
    </AccountForm>
  );
};

/** A guest has neither an address nor a password. */
export const GuestAccount = () => {
  const t = useTexts(settingsTexts);
  return (
    <>
      <p className={styles.quiet}>{t('guest')}</p>
      <Link to={paths.register(paths.settings)} className={buttonClass()}>
        {t('claim')}
      </Link>
    </>
  );
};

/** How somebody signs in: their address and their password. */
export const MemberAccount = ({ me }: { readonly me: Me }) => {
  const waiting = me.pendingEmail ?? (me.emailVerified ? null : (me.email ?? null));
  return (
    <>
      {waiting !== null && <Waiting address={waiting} />}
      <div className={styles.acts}>
        <EmailForm hasPassword={me.hasPassword} />
        <PasswordForm owner={me.user.id} hasPassword={me.hasPassword} />
      </div>
    </>
  );
};

const ZONES = Intl.supportedValuesOf('timeZone');

/** The language and the time zone that mails are written in. */
export const LocaleOfMails = ({ user: { locale, timeZone } }: Pick<Me, 'user'>) => {
  const t = useTexts(settingsTexts);
  const [{ error }, set] = useMutation(SetLocale);
  const failure = failureOf(error);
  const language = locale?.split('-', 1)[0] ?? '';
  const zones = typeof timeZone !== 'string' || ZONES.includes(timeZone) ? ZONES : [timeZone, ...ZONES];
  return (
    <>
      {failure && <ErrorNotice failure={failure} />}
      <SelectField
        label={t('mailLanguage')}
        value={language}
        onChange={({ target }) => void set({ input: { locale: target.value === '' ? null : target.value } })}
      >
        <option value="">{t('notSaid')}</option>
        <option value="en" lang="en">
          English
        </option>
        <option value="de" lang="de">
          Deutsch
        </option>
        {!['', 'en', 'de'].includes(language) && <option value={language}>{locale}</option>}
      </SelectField>
      <SelectField
        label={t('timeZone')}
        value={timeZone ?? ''}
        onChange={({ target }) => void set({ input: { timeZone: target.value === '' ? null : target.value } })}
      >
        <option value="">{t('notSaid')}</option>
        {zones.map((zone) => (
          <option key={zone} value={zone}>
            {zone.replaceAll('_', ' ')}
          </option>
        ))}
      </SelectField>
    </>
  );
};
