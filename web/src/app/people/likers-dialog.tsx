import { useQuery } from 'urql';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { Answer } from '../answer.js';
import { usePages } from '../pages-of-list.js';
import { Likers } from './operations.js';
import { peopleTexts } from './people-texts.js';
import { PersonLine } from './person-line.js';

interface LikersDialogProps {
  /** The id of a post or an entry. */
  readonly of: string;
  readonly onClose: () => void;
}

/** Who likes something, the latest first. */
const LikersDialog = ({ of, onClose }: LikersDialogProps) => {
  const t = useTexts(peopleTexts);
  const { after, moreOf } = usePages();
  const answer = useQuery({ query: Likers, variables: { id: of, after } });
  return (
    <Dialog open onClose={onClose} title={t('whoLikes')}>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={3} />}>
        {({ node }, isFetching) => {
          const likers = node && 'likers' in node ? node.likers : null;
          if (!likers || likers.nodes.length === 0) return <p>{t('nobodyLikes')}</p>;
          return (
            <>
              <ul>
                {likers.nodes.map((person) => (
                  <li key={person.id}>
                    <PersonLine person={person} />
                  </li>
                ))}
              </ul>
              {likers.pageInfo.hasNextPage && (
                <Button busy={isFetching} onClick={moreOf(likers.pageInfo, isFetching).onMore}>
                  {t('showMore')}
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
