import { fieldWords, type Failure } from '../../api/failure.js';
import { TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { signInTexts } from './sign-in-texts.js';

interface NameFieldsProps {
  readonly failure: Failure | null;
  /** Whether an invitation is to be typed in. */
  readonly asksInvitation: boolean;
  /** The username to begin with. */
  readonly suggested?: string;
}

/** What every new account is asked for, however its owner comes: the invitation, where one is needed, and the username. */
export const NameFields = ({ failure, asksInvitation, suggested }: NameFieldsProps) => {
  const t = useTexts(signInTexts);
  const words = useTexts(fieldTexts);
  return (
    <>
      {asksInvitation && (
        <TextField
          name="invitation"
          label={t('invitation')}
          hint={t('invitationHint')}
          error={fieldWords(failure, 'invitation', words)}
          autoComplete="off"
          autoCapitalize="none"
          required
        />
      )}
      <TextField
        name="username"
        label={t('username')}
        hint={t('usernameHint')}
        error={fieldWords(failure, 'username', words)}
        defaultValue={suggested}
        autoComplete="username"
        autoCapitalize="none"
        required
      />
    </>
  );
};
