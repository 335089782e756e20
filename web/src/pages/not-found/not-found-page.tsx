import { Compass } from 'lucide-react';
import { Link } from 'wouter';
import { paths } from '../../app/paths.js';
import { useTitle } from '../../app/title.js';
import { buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { useTexts } from '../../i18n/language.js';
import { notFoundTexts } from './not-found-texts.js';

/** What a page shows in its own place when what it is about is not there. */
const NotFoundPage = () => {
  const t = useTexts(notFoundTexts);
  useTitle(t('title'));
  return (
    <EmptyState
      isPage
      icon={<Compass size={20} />}
      title={t('title')}
      action={
        <Link to={paths.vault} className={buttonClass('primary')}>
          {t('toVault')}
        </Link>
      }
    >
      {t('text')}
    </EmptyState>
  );
};

export default NotFoundPage;
