import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names.js';
import styles from './button.module.css';

/** One primary action on a page; `plain` has no frame until it is pointed at. */
type Look = 'primary' | 'secondary' | 'plain' | 'danger';

interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: Look;
  /** Something of it is under way: it cannot be pressed again, and keeps its width. */
  readonly busy?: boolean;
}

/** The classes of a button, for a link that looks like one. */
export const buttonClass = (look: Look = 'secondary'): string => classNames(styles.button, styles[look]);

export const Button = ({ look = 'secondary', busy = false, type = 'button', className, disabled, ...rest }: ButtonProps) => (
  <button
    {...rest}
    type={type}
    className={classNames(buttonClass(look), className)}
    disabled={disabled}
    aria-disabled={busy || undefined}
    aria-busy={busy || undefined}
    {...(busy ? { onClick: (event) => event.preventDefault() } : {})}
  />
);

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'aria-label'> {
  /** What it does; also its tooltip. */
  readonly label: string;
  readonly icon: ReactNode;
  /** Whether what it switches is on; leave it out where it switches nothing. */
  readonly pressed?: boolean;
}

/** A button of an icon of 16 or 20 px, 40 px wide and high for fingers. */
export const IconButton = ({ label, icon, pressed, look = 'plain', className, ...rest }: IconButtonProps) => (
  <Button {...rest} look={look} className={classNames(styles.icon, className)} aria-label={label} aria-pressed={pressed} title={label}>
    {icon}
  </Button>
);
