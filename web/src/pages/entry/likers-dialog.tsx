import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { Answer } from '../../app/answer.js';
import { paths } from '../../app/paths.js';
import { Avatar } from '../../design/avatar.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { entryTexts } from './entry-texts.js';
import { EntryLikers } from './operations.js';
import styles from './entry-page.module.css';

/** Who likes an entry, the latest first. */
const LikersDialog = ({ of, onClose }: { readonly of: string; readonly onClose: () => void }) => {
  const t = useTexts(entryTexts);
  const [after, setAfter] = useState<string | null>(null);
  const answer = useQuery({ query: EntryLikers, variables: { id: of, after } });
  return (
    <Dialog open onClose={onClose} title={t('likers')}>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={4} />}>
        {({ node }, isFetching) => {
          const likers = node && 'likers' in node ? node.likers : null;
          if (!likers || likers.nodes.length === 0) return <p>{t('noLikers')}</p>;
          return (
            <>
              <ul>
                {likers.nodes.map(({ id, username, displayName }) => (
                  <li key={id}>
                    <Link to={paths.person(username)} className={styles.person}>
                      <Avatar name={displayName} of={username} size={24} />
                      <span dir="auto">{displayName}</span>
                    </Link>
                  </li>
                ))}
              </ul>
              {likers.pageInfo.hasNextPage && (
                <Button busy={isFetching} onClick={() => setAfter(likers.pageInfo.endCursor)}>
                  {t('moreLikers')}
                </Button>
              )}
            </>
          );
        }}
      </Answer>
    </Dialog>
  );
};

export default LikersDialog;
