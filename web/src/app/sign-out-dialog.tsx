import { AskDialog } from './ask-dialog.js';
import { appTexts } from './app-texts.js';
import { useTexts } from '../i18n/language.js';

interface SignOutDialogProps {
  readonly onClose: () => void;
  readonly onSignOut: () => Promise<void>;
}

/** Asks before texts are forgotten that stand nowhere else. */
const SignOutDialog = ({ onClose, onSignOut }: SignOutDialogProps) => {
  const t = useTexts(appTexts);
  const act = async (): Promise<undefined> => {
    await onSignOut();
  };
  return (
    <AskDialog open onClose={onClose} title={t('signOutTitle')} keep={t('staySignedIn')} act={t('signOut')} onAct={act}>
      <p>{t('signOutText')}</p>
    </AskDialog>
  );
};

export default SignOutDialog;
