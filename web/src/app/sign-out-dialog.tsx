import { useState } from 'react';
import { Button } from '../design/button.js';
import { Dialog } from '../design/dialog.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';

interface SignOutDialogProps {
  readonly onClose: () => void;
  readonly onSignOut: () => Promise<void>;
}

/** Asks before texts are forgotten that stand nowhere else. */
const SignOutDialog = ({ onClose, onSignOut }: SignOutDialogProps) => {
  const t = useTexts(appTexts);
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    await onSignOut();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('signOutTitle')}
      actions={
        <>
          <Button onClick={onClose}>{t('staySignedIn')}</Button>
          <Button look="danger" busy={busy} onClick={() => void act()}>
            {t('signOut')}
          </Button>
        </>
      }
    >
      <p>{t('signOutText')}</p>
    </Dialog>
  );
};

export default SignOutDialog;
