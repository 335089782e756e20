import { useState } from 'react';
import { useMutation } from 'urql';
import { textOf, useSending } from '../../../app/sending.js';
import { Button } from '../../../design/button.js';
import { ErrorNotice } from '../../../design/error-notice.js';
import { TextField } from '../../../design/text-field.js';
import type { StartTotpMutation } from '../../../gql/graphql.js';
import { useTexts } from '../../../i18n/language.js';
import { PresentPassword, presentPasswordOf } from '../account.js';
import { AccountForm } from '../account-form.js';
import page from '../settings-page.module.css';
import { ConfirmTotp, DisableTotp, StartTotp } from '../operations.js';
import { QrCode } from './qr-code.js';
import { secondFactorTexts } from './second-factor-texts.js';
import styles from './second-factor.module.css';

type Seed = NonNullable<StartTotpMutation['startTotp']>;

interface ConfirmProps {
  readonly seed: Seed;
  readonly onDone: () => void;
  readonly onCodes: (codes: readonly string[]) => void;
}

/** Shows the seed to an app, and takes its first code. */
const Confirm = ({ seed: { secret, uri }, onDone, onCodes }: ConfirmProps) => {
  const t = useTexts(secondFactorTexts);
  const [, confirm] = useMutation(ConfirmTotp);
  const { failure, busy, onSubmit } = useSending(async (values) => {
    const { data, error } = await confirm({ code: textOf(values, 'code') });
    if (data?.confirmTotp?.recoveryCodes) onCodes(data.confirmTotp.recoveryCodes);
    return error;
  }, onDone);
  return (
    <form className={page.form} onSubmit={onSubmit} aria-label={t('setUp')} noValidate>
      <p>{t('scan')}</p>
      <QrCode text={uri} label={t('qrCode')} />
      <TextField label={t('seed')} value={secret} readOnly onFocus={({ target }) => target.select()} />
      {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      <TextField
        name="code"
        label={t('code')}
        error={failure !== null && failure.fields.length > 0 ? t('wrongCode') : null}
        autoComplete="one-time-code"
        inputMode="numeric"
        autoFocus
        required
      />
      <div className={page.acts}>
        <Button type="submit" look="primary" busy={busy}>
          {t('turnOn')}
        </Button>
        <Button onClick={onDone}>{t('cancel')}</Button>
      </div>
    </form>
  );
};

interface AppCodesProps {
  readonly isOn: boolean;
  readonly hasPassword: boolean;
  readonly onCodes: (codes: readonly string[]) => void;
}

/** The codes that an app makes: set up, and turned off. */
export const AppCodes = ({ isOn, hasPassword, onCodes }: AppCodesProps) => {
  const t = useTexts(secondFactorTexts);
  const [seed, setSeed] = useState<Seed | null>(null);
  const [, start] = useMutation(StartTotp);
  const [, disable] = useMutation(DisableTotp);
  return (
    <div className={styles.part}>
      <h3 className={styles.title}>{t('app')}</h3>
      <p className={page.quiet}>{isOn ? t('appOn') : t('appOff')}</p>
      {isOn && (
        <AccountForm
          title={t('turnOff')}
          submit={t('turnOff')}
          cancel={t('cancel')}
          onSubmit={async (values) => (await disable({ input: presentPasswordOf(values, hasPassword) })).error}
        >
          {(failure) => hasPassword && <PresentPassword name="password" failure={failure} />}
        </AccountForm>
      )}
      {!isOn && seed !== null && <Confirm seed={seed} onDone={() => setSeed(null)} onCodes={onCodes} />}
      {!isOn && seed === null && (
        <AccountForm
          title={t('setUp')}
          submit={t('goOn')}
          cancel={t('cancel')}
          onSubmit={async (values) => {
            const { data, error } = await start({ input: presentPasswordOf(values, hasPassword) });
            setSeed(data?.startTotp ?? null);
            return error;
          }}
        >
          {(failure) => hasPassword && <PresentPassword name="password" failure={failure} />}
        </AccountForm>
      )}
    </div>
  );
};
