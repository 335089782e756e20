import { Dialog as AriakitDialog, DialogHeading } from '@ariakit/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { designTexts } from '../i18n/design-texts.js';
import { useTexts } from '../i18n/language.js';
import { IconButton } from './button.js';
import styles from './dialog.module.css';

interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  /** The buttons, the one that does it last. */
  readonly actions?: ReactNode;
}

/** Asks for something above the page. Escape closes it, and the focus goes back to what opened it. */
export const Dialog = ({ open, onClose, title, children, actions }: DialogProps) => {
  const t = useTexts(designTexts);
  return (
    <AriakitDialog open={open} onClose={onClose} unmountOnHide className={styles.dialog} backdrop={<div className={styles.backdrop} />}>
      <div className={styles.head}>
        <DialogHeading className={styles.title}>{title}</DialogHeading>
        <IconButton label={t('close')} icon={<X size={20} />} onClick={onClose} />
      </div>
      <div className={styles.body}>{children}</div>
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
    </AriakitDialog>
  );
};
