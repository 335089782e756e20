import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useTexts } from '../../i18n/language.js';
import { paths } from '../paths.js';
import { peopleTexts } from './people-texts.js';

interface Named {
  readonly displayName: string;
  readonly isDeleted?: boolean;
}

/** What somebody is called, which for a deleted account is in the words of the reader. */
export const useNameOf = (): ((person: Named) => string) => {
  const t = useTexts(peopleTexts);
  return ({ displayName, isDeleted }) => (isDeleted === true ? t('deletedUser') : displayName);
};

interface PersonLinkProps {
  readonly person: { readonly username: string; readonly isDeleted: boolean };
  readonly className?: string | undefined;
  readonly dir?: 'auto';
  readonly children: ReactNode;
}

/** A link to somebody's page; of one whose account was deleted, nothing but what would stand in it. */
export const PersonLink = ({ person: { username, isDeleted }, children, ...rest }: PersonLinkProps) =>
  isDeleted ? (
    <span {...rest}>{children}</span>
  ) : (
    <Link to={paths.person(username)} {...rest}>
      {children}
    </Link>
  );
