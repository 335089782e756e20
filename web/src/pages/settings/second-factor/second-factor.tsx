import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Answer } from '../../../app/answer.js';
import { readFragment, type FragmentType } from '../../../gql/fragment-masking.js';
import { useTexts } from '../../../i18n/language.js';
import { PresentPassword, presentPasswordOf } from '../account.js';
import { AccountForm } from '../account-form.js';
import page from '../settings-page.module.css';
import { AppCodes } from './app-codes.js';
import { FactorsOfMe, FactorsOfViewer, RenewRecoveryCodes } from '../operations.js';
import { Passkeys } from './passkeys.js';
import { RecoveryCodes } from './recovery-codes.js';
import { secondFactorTexts } from './second-factor-texts.js';
import styles from './second-factor.module.css';

const Factors = ({ me, hasPassword }: { readonly me: FragmentType<typeof FactorsOfMe>; readonly hasPassword: boolean }) => {
  const t = useTexts(secondFactorTexts);
  const { secondFactor, passkeys } = readFragment(FactorsOfMe, me);
  const { isOn, isRequired, totp, recoveryCodesLeft } = secondFactor;
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [, renew] = useMutation(RenewRecoveryCodes);
  return (
    <>
      {isRequired && !isOn && (
        <p className={styles.required} role="alert">
          {t('required')}
        </p>
      )}
      <p className={page.quiet}>
        {t('text')} {!isOn && t('othersEnd')}
      </p>
      {codes !== null && <RecoveryCodes codes={codes} onDone={() => setCodes(null)} />}
      <Passkeys passkeys={passkeys} hasPassword={hasPassword} onCodes={setCodes} />
      <AppCodes isOn={totp} hasPassword={hasPassword} onCodes={setCodes} />
      {isOn && (
        <div className={styles.part}>
          <h3 className={styles.title}>{t('recovery')}</h3>
          <p className={page.quiet}>{t('left', { count: recoveryCodesLeft })}</p>
          <AccountForm
            title={t('renew')}
            submit={t('renew')}
            cancel={t('cancel')}
            onSubmit={async (values) => {
              const { data, error } = await renew({ input: presentPasswordOf(values, hasPassword) });
              setCodes(data?.renewRecoveryCodes?.recoveryCodes ?? null);
              return error;
            }}
          >
            {(failure) => hasPassword && <PresentPassword name="password" failure={failure} />}
          </AccountForm>
        </div>
      )}
    </>
  );
};

/** What the viewer signs in with beside the password: passkeys, codes of an app, recovery codes. */
export const SecondFactor = () => {
  const answer = useQuery({ query: FactorsOfViewer, requestPolicy: 'cache-and-network' });
  return <Answer of={answer}>{({ me }) => me && <Factors me={me} hasPassword={me.hasPassword} />}</Answer>;
};
