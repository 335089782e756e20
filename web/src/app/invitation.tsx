import type { ReactNode } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { paths } from './paths.js';
import styles from './invitation.module.css';

/** The present address, to come back to after signing in. */
export const useHere = (): string => {
  const [path] = useLocation();
  const search = useSearch();
  return search === '' ? path : `${path}?${search}`;
};

/** Tells a visitor what is to be had by signing in; it leads back here. */
export const Invitation = ({ children }: { readonly children: ReactNode }) => {
  const t = useTexts(appTexts);
  const here = useHere();
  return (
    <p className={styles.invitation}>
      <span>{children}</span>
      <Link to={paths.signIn(here)}>{t('signIn')}</Link>
    </p>
  );
};
