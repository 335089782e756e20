import { Link } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { paths } from '../../app/paths.js';
import { buttonClass } from '../../design/button.js';
import { useTexts } from '../../i18n/language.js';
import { vaultTexts } from './vault-texts.js';

/** The way to a new entry; a visitor signs in first, and comes there then. */
export const WriteLink = () => {
  const t = useTexts(vaultTexts);
  const isSignedIn = useOwner() !== null;
  return (
    <Link to={isSignedIn ? paths.newEntry : paths.signIn(paths.newEntry)} className={buttonClass(isSignedIn ? 'primary' : 'secondary')}>
      {isSignedIn ? t('newEntry') : t('signInToWrite')}
    </Link>
  );
};
