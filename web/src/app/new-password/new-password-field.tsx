import { useEffect, useRef, useState } from 'react';
import { useMutation } from 'urql';
import { TextField } from '../../design/text-field.js';
import type { EstimatePasswordMutation } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { newPasswordTexts } from './new-password-texts.js';
import styles from './new-password.module.css';
import { EstimatePassword } from './operations.js';

type Strength = NonNullable<EstimatePasswordMutation['estimatePassword']>;

/** What is shorter is refused whatever it is. */
const SHORTEST = 8;
const LONGEST = 200;
/** How long nothing is typed before a password is looked at, in milliseconds. */
const PAUSE_MS = 400;

/** What a form says of the person whose password it is. */
const personIn = (form: HTMLFormElement | null): Readonly<Partial<Record<'username' | 'displayName' | 'email', string>>> => {
  if (form === null) return {};
  const values = new FormData(form);
  return Object.fromEntries(
    ['username', 'displayName', 'email'].flatMap((name) => {
      const value = values.get(name);
      return typeof value === 'string' && value !== '' ? [[name, value]] : [];
    }),
  );
};

interface NewPasswordFieldProps {
  readonly name: string;
  readonly label: string;
  readonly error: string | null;
}

/** A field for a new password, which tells how hard it is to guess. */
export const NewPasswordField = ({ name, label, error }: NewPasswordFieldProps) => {
  const t = useTexts(newPasswordTexts);
  const [strength, setStrength] = useState<Strength | null>(null);
  const [, estimate] = useMutation(EstimatePassword);
  const typed = useRef({ count: 0, timer: 0 });
  useEffect(() => {
    const { current } = typed;
    return () => window.clearTimeout(current.timer);
  }, []);

  const look = async (password: string, form: HTMLFormElement | null, turn: number): Promise<void> => {
    const { data } = await estimate({ input: { password, ...personIn(form) } });
    // An answer to what stood there before says nothing of what stands there now.
    if (turn === typed.current.count) setStrength(data?.estimatePassword ?? null);
  };
  const onType = ({ value, form }: HTMLInputElement): void => {
    const turn = (typed.current.count += 1);
    window.clearTimeout(typed.current.timer);
    if (value.length < SHORTEST || value.length > LONGEST) setStrength(null);
    else typed.current.timer = window.setTimeout(() => void look(value, form, turn), PAUSE_MS);
  };
  const [one = '', other = ''] = strength
    ? [t(`score${strength.score as 0 | 1 | 2 | 3 | 4}`), strength.isStrongEnough || !strength.weakness ? '' : t(strength.weakness)]
    : [];
  return (
    <div className={styles.field}>
      <TextField
        name={name}
        type="password"
        label={label}
        hint={t('hint')}
        error={error}
        autoComplete="new-password"
        onChange={({ currentTarget }) => onType(currentTarget)}
        required
      />
      <div className={styles.bar} aria-hidden="true">
        {[1, 2, 3, 4].map((step) => (
          <span key={step} data-on={strength && strength.score >= step ? (strength.isStrongEnough ? 'strong' : 'weak') : undefined} />
        ))}
      </div>
      <p className={styles.words} role="status">
        {`${one} ${other}`.trim()}
      </p>
    </div>
  );
};
