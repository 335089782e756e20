import { useState } from 'react';
import { useQuery } from 'urql';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { Answer } from '../answer.js';
import { PersonLine } from '../people/person-line.js';
import { PostLikers } from './operations.js';
import { postTexts } from './post-texts.js';

/** Who likes a post, the latest first. */
const LikersDialog = ({ postId, onClose }: { readonly postId: string; readonly onClose: () => void }) => {
  const t = useTexts(postTexts);
  const [after, setAfter] = useState<string | null>(null);
  const answer = useQuery({ query: PostLikers, variables: { id: postId, after } });
  return (
    <Dialog open onClose={onClose} title={t('whoLikes')}>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={3} />}>
        {({ post }, isFetching) =>
          !post || post.likers.nodes.length === 0 ? (
            <p>{t('nobodyLikes')}</p>
          ) : (
            <>
              <ul>
                {post.likers.nodes.map((person) => (
                  <li key={person.id}>
                    <PersonLine person={person} />
                  </li>
                ))}
              </ul>
              {post.likers.pageInfo.hasNextPage && (
                <Button busy={isFetching} onClick={() => setAfter(post.likers.pageInfo.endCursor)}>
                  {t('showMore')}
                </Button>
              )}
            </>
          )
        }
      </Answer>
    </Dialog>
  );
};

export default LikersDialog;
