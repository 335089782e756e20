import { useState, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { Answer } from '../../app/answer.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { PeopleList } from '../../app/people/people-list.js';
import { useOwner } from '../../api/api-provider.js';
import { PostList } from '../../app/posts/post-list.js';
import { isComingBack } from '../../app/kept-scroll.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { PersonEntries, PersonFollowers, PersonFollowing, PersonPosts } from './operations.js';
import type { Person } from './person.js';
import { personTexts } from './person-texts.js';
import styles from './person-page.module.css';

const PAGE = 20;

interface ListProps {
  readonly person: Person;
}

/** A page of one of somebody's lists. */
const usePageOf = (id: string) => {
  const { after, moreOf } = usePages();
  const [isReturn] = useState(isComingBack);
  return {
    variables: { id, first: PAGE, after },
    // What the cache has of a list is an answer to each of its pages, so a further page is asked for in any case.
    requestPolicy: isReturn && after === null ? ('cache-first' as const) : ('cache-and-network' as const),
    moreOf,
  };
};

const Nothing = ({ children, action }: { readonly children: string; readonly action?: ReactNode }): ReactNode => (
  <EmptyState title={children} action={action} />
);

/** What somebody may do who finds nothing on a page of their own. */
const Begin = ({ id, to, children }: { readonly id: string; readonly to: string; readonly children: string }): ReactNode =>
  useOwner() === id && (
    <Link to={to} className={buttonClass()}>
      {children}
    </Link>
  );

export const PersonPostsList = ({ person: { id } }: ListProps) => {
  const t = useTexts(personTexts);
  const { variables, requestPolicy, moreOf } = usePageOf(id);
  const answer = useQuery({ query: PersonPosts, variables, requestPolicy });
  return (
    <Answer of={answer} loading={<Skeleton lines={8} />}>
      {({ user }, isFetching) =>
        !user || user.posts.nodes.length === 0 ? (
          <Nothing
            action={
              <Begin id={id} to={paths.feed}>
                {t('writePost')}
              </Begin>
            }
          >
            {t('noPosts')}
          </Nothing>
        ) : (
          <PostList posts={user.posts.nodes} name={`posts of ${id}`} {...moreOf(user.posts.pageInfo, isFetching)} />
        )
      }
    </Answer>
  );
};

export const PersonEntriesList = ({ person: { id } }: ListProps) => {
  const t = useTexts(personTexts);
  const { variables, requestPolicy, moreOf } = usePageOf(id);
  const answer = useQuery({ query: PersonEntries, variables, requestPolicy });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={5} />}>
      {({ user }, isFetching) => {
        if (!user || user.entries.nodes.length === 0) {
          const begin = (
            <Begin id={id} to={paths.newEntry}>
              {t('writeEntry')}
            </Begin>
          );
          return <Nothing action={begin}>{t('noEntries')}</Nothing>;
        }
        const { nodes, pageInfo } = user.entries;
        const { onMore } = moreOf(pageInfo, isFetching);
        return (
          <>
            <ul>
              {nodes.map(({ id: entry, slug, title, updatedAt }) => (
                <li key={entry}>
                  <Link to={paths.entry(slug)} className={styles.entry}>
                    <span className={styles.title} dir="auto">
                      {title}
                    </span>
                    <span className={styles.when}>
                      <RelativeTime at={updatedAt} />
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
            {pageInfo.hasNextPage && (
              <Button busy={isFetching} onClick={onMore}>
                {t('showMore')}
              </Button>
            )}
          </>
        );
      }}
    </Answer>
  );
};

export const PersonFollowersList = ({ person: { id, displayName } }: ListProps) => {
  const t = useTexts(personTexts);
  const { variables, requestPolicy, moreOf } = usePageOf(id);
  const answer = useQuery({ query: PersonFollowers, variables, requestPolicy });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={5} />}>
      {({ user }, isFetching) =>
        !user || user.followers.nodes.length === 0 ? (
          <Nothing>{t('noFollowers', { name: displayName })}</Nothing>
        ) : (
          <PeopleList people={user.followers.nodes} name={`followers of ${id}`} {...moreOf(user.followers.pageInfo, isFetching)} />
        )
      }
    </Answer>
  );
};

export const PersonFollowingList = ({ person: { id, displayName } }: ListProps) => {
  const t = useTexts(personTexts);
  const { variables, requestPolicy, moreOf } = usePageOf(id);
  const answer = useQuery({ query: PersonFollowing, variables, requestPolicy });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={5} />}>
      {({ user }, isFetching) =>
        !user || user.following.nodes.length === 0 ? (
          <Nothing>{t('noFollowing', { name: displayName })}</Nothing>
        ) : (
          <PeopleList people={user.following.nodes} name={`following of ${id}`} {...moreOf(user.following.pageInfo, isFetching)} />
        )
      }
    </Answer>
  );
};
