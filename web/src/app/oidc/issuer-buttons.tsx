import { useState } from 'react';
import { useQuery } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { useTexts } from '../../i18n/language.js';
import styles from './issuer-buttons.module.css';
import { oidcTexts } from './oidc-texts.js';
import { Issuers } from './operations.js';
import { useOidc } from './use-oidc.js';

/** A button for each other server by which one signs in here; nothing where there is none. */
export const IssuerButtons = ({ then }: { readonly then: string | null }) => {
  const t = useTexts(oidcTexts);
  const [{ data }] = useQuery({ query: Issuers });
  const leave = useOidc();
  const [busy, setBusy] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const go = async (issuer: string): Promise<void> => {
    setBusy(issuer);
    const error = await leave({ issuer, purpose: 'SIGN_IN', then });
    setFailure(failureOf(error));
    if (error) setBusy(null);
  };
  if (!data || data.oidcIssuers.length === 0) return null;
  return (
    <div className={styles.buttons}>
      {failure && <ErrorNotice failure={failure} />}
      {data.oidcIssuers.map(({ name, label }) => (
        <Button key={name} busy={busy === name} onClick={() => void go(name)}>
          {t('with', { issuer: label })}
        </Button>
      ))}
    </div>
  );
};
