import { Tooltip as AriakitTooltip, TooltipAnchor, TooltipProvider } from '@ariakit/react/tooltip';
import type { ReactElement, ReactNode } from 'react';
import styles from './tooltip.module.css';

interface TooltipProps {
  /** What is said more; what must be known stands on the page. */
  readonly text: ReactNode;
  /** A button, a link or something else that can have the focus. */
  readonly children: ReactElement;
}

export const Tooltip = ({ text, children }: TooltipProps) => (
  <TooltipProvider timeout={400}>
    <TooltipAnchor render={children} />
    <AriakitTooltip gutter={6} unmountOnHide className={styles.tooltip}>
      {text}
    </AriakitTooltip>
  </TooltipProvider>
);
