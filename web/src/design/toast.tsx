import { X } from 'lucide-react';
import { createContext, use, useCallback, useMemo, useRef, useState, type ReactNode } from 'react';
import { designTexts } from '../i18n/design-texts.js';
import { useTexts } from '../i18n/language.js';
import { Button, IconButton } from './button.js';
import styles from './toast.module.css';

interface ToastAction {
  /** "Undo". */
  readonly label: string;
  readonly onAct: () => void;
}

interface ToastContent {
  readonly id: number;
  readonly text: ReactNode;
  readonly action: ToastAction | null;
}

/** How long a toast stays, in milliseconds; one with an action as long as that can be done. */
const STAY_MS = 6_000;
const STAY_WITH_ACTION_MS = 10_000;

type Show = (text: ReactNode, action?: ToastAction) => void;
const ToastContext = createContext<Show>(() => undefined);

/** Shows a line for some seconds: what was done elsewhere on the page, and how to undo it. Errors of a form stand in the form. */
export const useToast = (): Show => use(ToastContext);

export const ToastProvider = ({ children }: { readonly children: ReactNode }) => {
  const t = useTexts(designTexts);
  const [toasts, setToasts] = useState<readonly ToastContent[]>([]);
  const last = useRef(0);
  const close = useCallback((id: number) => setToasts((present) => present.filter((toast) => toast.id !== id)), []);
  const show = useCallback<Show>(
    (text, action) => {
      const id = (last.current += 1);
      setToasts((present) => [...present.slice(-2), { id, text, action: action ?? null }]);
      setTimeout(() => close(id), action ? STAY_WITH_ACTION_MS : STAY_MS);
    },
    [close],
  );
  const region = useMemo(
    () => (
      <div className={styles.region} role="status" aria-live="polite">
        {toasts.map(({ id, text, action }) => (
          <div key={id} className={styles.toast}>
            <span className={styles.text}>{text}</span>
            {action && (
              <Button
                look="plain"
                onClick={() => {
                  action.onAct();
                  close(id);
                }}
              >
                {action.label}
              </Button>
            )}
            <IconButton label={t('close')} icon={<X size={16} />} onClick={() => close(id)} />
          </div>
        ))}
      </div>
    ),
    [toasts, close, t],
  );
  return (
    <ToastContext value={show}>
      {children}
      {region}
    </ToastContext>
  );
};
