import { LogIn } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useOwner } from '../api/api-provider.js';
import { buttonClass } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { useHere } from './invitation.js';
import { paths } from './paths.js';
import { useTitle } from './title.js';

interface SignedInProps {
  /** The page, whose queries are asked only for somebody. */
  readonly children: ReactNode;
  readonly title: string;
  /** What a visitor would find here. */
  readonly about: string;
}

const Invitation = ({ title, about }: Omit<SignedInProps, 'children'>) => {
  const t = useTexts(appTexts);
  const here = useHere();
  useTitle(title);
  return (
    <EmptyState
      isPage
      icon={<LogIn size={20} />}
      title={title}
      action={
        <Link to={paths.signIn(here)} className={buttonClass('primary')}>
          {t('signIn')}
        </Link>
      }
    >
      {about}
    </EmptyState>
  );
};

/** A page for those who are signed in; a visitor is told what is there, and how to come in. */
export const SignedIn = ({ children, title, about }: SignedInProps) =>
  useOwner() === null ? <Invitation title={title} about={about} /> : children;
