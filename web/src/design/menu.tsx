import {
  Menu as AriakitMenu,
  MenuButton,
  MenuGroup as AriakitMenuGroup,
  MenuGroupLabel,
  MenuItem as AriakitMenuItem,
  MenuProvider,
  MenuSeparator as Separator,
} from '@ariakit/react/menu';
import type { ReactNode } from 'react';
import { buttonClass } from './button.js';
import { classNames } from './class-names.js';
import styles from './menu.module.css';

interface MenuProps {
  /** What opens it, for a screen reader. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly placement?: 'bottom-start' | 'bottom-end' | 'top-start' | 'top-end' | 'right-end';
  readonly className?: string | undefined;
  /** Of what opens it, where the arrows lead through the things that have menus. */
  readonly tabIndex?: 0 | -1;
}

/** Rows of long lists cut off what they hold and lie over one another, so an open menu is laid above all of the page. */
const layAbove = (menu: HTMLElement | null): void => {
  const place = menu?.parentElement;
  if (place?.isConnected && 'showPopover' in place && !place.matches(':popover-open')) place.showPopover();
};

/**
 * Further acts behind one button; arrows, Enter, Escape and first letters work in it. It stands in the page beside its button, where Tab leads on and a screen reader
 * finds it in the same landmark.
 */
export const Menu = ({ label, icon, children, placement = 'bottom-end', className, tabIndex = 0 }: MenuProps) => (
  <MenuProvider placement={placement}>
    <MenuButton className={classNames(buttonClass('plain'), styles.opener, className)} aria-label={label} title={label} tabIndex={tabIndex}>
      {icon}
    </MenuButton>
    <AriakitMenu
      ref={layAbove}
      wrapperProps={{ popover: 'manual', className: styles.place }}
      gutter={4}
      fixed
      unmountOnHide
      className={styles.menu}
      aria-label={label}
    >
      {children}
    </AriakitMenu>
  </MenuProvider>
);

interface MenuItemProps {
  readonly children: ReactNode;
  readonly icon?: ReactNode;
  readonly onSelect: () => void;
  readonly look?: 'plain' | 'danger';
}

export const MenuItem = ({ children, icon, onSelect, look = 'plain' }: MenuItemProps) => (
  <AriakitMenuItem className={styles.item} data-look={look} onClick={onSelect}>
    {icon}
    {children}
  </AriakitMenuItem>
);

export const MenuSeparator = () => <Separator className={styles.separator} />;

/** Acts that are one in several ways: "Mute", for how long. */
export const MenuGroup = ({ label, children }: { readonly label: string; readonly children: ReactNode }) => (
  <AriakitMenuGroup>
    <MenuGroupLabel className={styles.label}>{label}</MenuGroupLabel>
    {children}
  </AriakitMenuGroup>
);
