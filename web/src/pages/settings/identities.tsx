import { useMutation, useQuery } from 'urql';
import { failureOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { useOidc } from '../../app/oidc/use-oidc.js';
import { paths } from '../../app/paths.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { RelativeTime } from '../../design/relative-time.js';
import { useTexts } from '../../i18n/language.js';
import { PresentPassword, presentPasswordOf } from './account.js';
import { AccountForm } from './account-form.js';
import { IdentitiesOfViewer, UnlinkIdentity } from './operations.js';
import styles from './settings-page.module.css';
import { settingsTexts } from './settings-texts.js';

/** By which other servers the viewer signs in, to be added to and taken away. */
export const Identities = () => {
  const t = useTexts(settingsTexts);
  const answer = useQuery({ query: IdentitiesOfViewer, requestPolicy: 'cache-and-network' });
  const [{ error }, unlink] = useMutation(UnlinkIdentity);
  const leave = useOidc();
  const failure = failureOf(error);
  return (
    <Answer of={answer}>
      {({ me, oidcIssuers }) =>
        me && (
          <>
            {failure?.reason === 'LAST_WAY_IN' ? <p role="alert">{t('lastWayIn')}</p> : failure && <ErrorNotice failure={failure} />}
            {me.identities.length === 0 && <p className={styles.quiet}>{t('noIdentities')}</p>}
            <ul className={styles.sessions}>
              {me.identities.map(({ id, email, issuer, issuerUrl, lastUsedAt }) => (
                <li key={id} className={styles.session}>
                  <span>
                    <bdi>{issuer?.label ?? issuerUrl}</bdi>
                    <span className={styles.detail}>
                      {email !== null && <bdi>{email}</bdi>} <RelativeTime at={lastUsedAt} />
                    </span>
                  </span>
                  <Button
                    look="plain"
                    aria-label={t('unlinkFrom', { issuer: issuer?.label ?? issuerUrl })}
                    onClick={() => void unlink({ identityId: id })}
                  >
                    {t('end')}
                  </Button>
                </li>
              ))}
            </ul>
            <div className={styles.acts}>
              {oidcIssuers.map(({ name, label }) => (
                <AccountForm
                  key={name}
                  title={t('linkWith', { issuer: label })}
                  submit={t('linkWith', { issuer: label })}
                  cancel={t('cancel')}
                  onSubmit={async (values) => {
                    return await leave({
                      issuer: name,
                      purpose: 'LINK',
                      then: paths.settings,
                      ...presentPasswordOf(values, me.hasPassword),
                    });
                  }}
                >
                  {(wrong) => me.hasPassword && <PresentPassword name="password" failure={wrong} />}
                </AccountForm>
              ))}
            </div>
          </>
        )
      }
    </Answer>
  );
};
