import { useId, useSyncExternalStore, type ReactNode } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { preferences, type Preferences } from '../../app/preferences.js';
import { useSignOut } from '../../app/sign-out.js';
import { Button, buttonClass } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Handle } from '../../design/handle.js';
import { Skeleton } from '../../design/skeleton.js';
import { SelectField } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { ApiKeys } from './api-keys.js';
import { GuestAccount, LocaleOfMails, MemberAccount } from './account.js';
import { Identities } from './identities.js';
import { SetNotificationPreference, SettingsOfViewer } from './operations.js';
import { SecondFactor } from './second-factor/second-factor.js';
import { Sessions } from './sessions.js';
import { settingsTexts } from './settings-texts.js';
import { Privacy, YourData } from './your-data.js';
import styles from './settings-page.module.css';

const Section = ({ title, children }: { readonly title: string; readonly children: ReactNode }) => {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
};

const Look = () => {
  const t = useTexts(settingsTexts);
  const { theme, language, reading } = useSyncExternalStore(preferences.onChange, preferences.get);
  return (
    <Section title={t('look')}>
      <p className={styles.quiet}>{t('kept')}</p>
      <SelectField
        label={t('theme')}
        value={theme}
        onChange={({ target }) => preferences.set({ theme: target.value as Preferences['theme'] })}
      >
        <option value="system">{t('system')}</option>
        <option value="light">{t('light')}</option>
        <option value="dark">{t('dark')}</option>
      </SelectField>
      <SelectField
        label={t('language')}
        value={language}
        onChange={({ target }) => preferences.set({ language: target.value as Preferences['language'] })}
      >
        <option value="system">{t('system')}</option>
        <option value="en" lang="en">
          English
        </option>
        <option value="de" lang="de">
          Deutsch
        </option>
      </SelectField>
      <SelectField
        label={t('reading')}
        value={reading}
        onChange={({ target }) => preferences.set({ reading: target.value as Preferences['reading'] })}
      >
        <option value="sans">{t('sans')}</option>
        <option value="serif">{t('serif')}</option>
      </SelectField>
    </Section>
  );
};

const OfViewer = () => {
  const t = useTexts(settingsTexts);
  const answer = useQuery({ query: SettingsOfViewer });
  const [{ error }, setPreference] = useMutation(SetNotificationPreference);
  const { signOut, question } = useSignOut();
  const failure = failureOf(error);
  return (
    <Answer of={answer} loading={<Skeleton lines={20} />}>
      {({ me, oidcIssuers }) =>
        me && (
          <>
            <Section title={t('notifications')}>
              {failure && <ErrorNotice failure={failure} />}
              <ul>
                {me.notificationPreferences.map(({ kind, enabled }) => (
                  <li key={kind}>
                    <label className={styles.choice}>
                      <input
                        type="checkbox"
                        className={styles.box}
                        checked={enabled}
                        onChange={({ target }) => void setPreference({ input: { preferences: [{ kind, enabled: target.checked }] } })}
                      />
                      {t(kind)}
                    </label>
                  </li>
                ))}
              </ul>
            </Section>
            <Section title={t('mails')}>
              <LocaleOfMails user={me.user} />
            </Section>
            <Section title={t('privacy')}>
              <Privacy />
            </Section>
            <Section title={t('data')}>
              <YourData isGuest={me.user.role === 'GUEST'} />
            </Section>
            <Section title={t('account')}>
              <dl className={styles.facts}>
                <dt>{t('name')}</dt>
                <dd>
                  <Link to={paths.person(me.user.username)}>{me.user.displayName}</Link> <Handle of={me.user.username} />
                </dd>
                <dt>{t('email')}</dt>
                <dd>{me.email ?? t('noEmail')}</dd>
              </dl>
              {me.user.role === 'GUEST' ? <GuestAccount /> : <MemberAccount me={me} />}
              <Button className={styles.act} onClick={signOut}>
                {t('signOut')}
              </Button>
              {question}
            </Section>
            {me.user.role !== 'GUEST' && (
              <Section title={t('secondFactor')}>
                <SecondFactor />
              </Section>
            )}
            {me.user.role !== 'GUEST' && oidcIssuers.length > 0 && (
              <Section title={t('identities')}>
                <Identities />
              </Section>
            )}
          </>
        )
      }
    </Answer>
  );
};

const Visitor = () => {
  const t = useTexts(settingsTexts);
  return (
    <Section title={t('account')}>
      <p>{t('visitor')}</p>
      <div className={styles.acts}>
        <Link to={paths.signIn(paths.settings)} className={buttonClass('primary')}>
          {t('signIn')}
        </Link>
        <Link to={paths.register(paths.settings)} className={buttonClass()}>
          {t('register')}
        </Link>
      </div>
    </Section>
  );
};

const SettingsPage = () => {
  const t = useTexts(settingsTexts);
  const owner = useOwner();
  return (
    <Page title={t('title')}>
      {owner === null && <Visitor />}
      <Look />
      {owner !== null && <OfViewer />}
      {owner !== null && (
        <Section title={t('sessions')}>
          <Sessions />
        </Section>
      )}
      {owner !== null && (
        <Section title={t('keys')}>
          <ApiKeys />
        </Section>
      )}
      <p>
        <Link to={paths.developers}>{t('developers')}</Link>
      </p>
    </Page>
  );
};

export default SettingsPage;
