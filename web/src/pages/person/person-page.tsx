import { MessageCircle, Pencil } from 'lucide-react';
import { lazy, Suspense } from 'react';
import { useQuery } from 'urql';
import { Link, useParams, useSearch } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { Answer } from '../../app/answer.js';
import { Page, PageBody } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { useViewer } from '../../app/viewer.js';
import { peopleTexts } from '../../app/people/people-texts.js';
import { useNameOf } from '../../app/people/person-link.js';
import { usePresence } from '../../app/people/use-presence.js';
import { Avatar } from '../../design/avatar.js';
import { buttonClass } from '../../design/button.js';
import { Handle } from '../../design/handle.js';
import { LinkTabs } from '../../design/link-tabs.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { FollowButton } from './follow-button.js';
import { ReadPerson } from './operations.js';
import { PersonEntriesList, PersonFollowersList, PersonFollowingList, PersonPostsList } from './person-lists.js';
import { personTexts } from './person-texts.js';
import { ProfileForm } from './profile-form.js';
import type { Person } from './person.js';
import styles from './person-page.module.css';

const PersonMenu = lazy(() => import('./person-menu.js'));
const Administration = lazy(() => import('./administration.js'));

const SHOWN = ['posts', 'entries', 'followers', 'following'] as const;
type Shown = (typeof SHOWN)[number];
const isShown = (text: string | null): text is Shown => (SHOWN as readonly (string | null)[]).includes(text);

const About = ({ person }: { readonly person: Person }) => {
  const t = useTexts(personTexts);
  const words = useTexts(peopleTexts);
  const { date } = useFormats();
  const { username, bio, status, role, createdAt, presence } = person;
  return (
    <div className={styles.about}>
      <p className={styles.facts}>
        <Handle of={username} />
        {role !== 'MEMBER' && <span>{t(role)}</span>}
        <span data-presence={presence.status} className={styles.presence}>
          {presence.status === 'OFFLINE' && presence.lastSeenAt !== null
            ? t.rich('lastSeen', { time: <RelativeTime key="time" at={presence.lastSeenAt} /> })
            : words(presence.status)}
        </span>
        <span>{t('joined', { date: date(new Date(createdAt)) })}</span>
      </p>
      {status && (
        <p className={styles.status} dir="auto">
          {status}
        </p>
      )}
      {bio !== null && bio !== '' && (
        <p className={styles.bio} dir="auto">
          {bio}
        </p>
      )}
    </div>
  );
};

const Content = ({ person, shown }: { readonly person: Person; readonly shown: Shown }) => {
  switch (shown) {
    case 'posts':
      return <PersonPostsList person={person} />;
    case 'entries':
      return <PersonEntriesList person={person} />;
    case 'followers':
      return <PersonFollowersList person={person} />;
    case 'following':
      return <PersonFollowingList person={person} />;
  }
};

const Profile = ({ person }: { readonly person: Person }) => {
  const t = useTexts(personTexts);
  const owner = useOwner();
  const isAdministrator = useViewer()?.user.role === 'ADMIN';
  const params = new URLSearchParams(useSearch());
  const { id, username, presence, followerCount, followingCount, viewerBlocks, isDeleted } = person;
  const displayName = useNameOf()(person);
  usePresence([id]);
  const isMe = id === owner;
  const asked = params.get('show');
  const shown = isShown(asked) ? asked : 'posts';
  const home = paths.person(username);
  const titles: Readonly<Record<Shown, string>> = {
    posts: t('posts'),
    entries: t('entries'),
    followers: t('followers', { count: followerCount }),
    following: t('following', { count: followingCount }),
  };
  return (
    <Page
      title={displayName}
      heading={
        <span className={styles.heading}>
          <Avatar name={displayName} of={username} size={64} presence={presence.status} />
          {displayName}
        </span>
      }
      actions={
        isDeleted ? undefined : isMe ? (
          <Link to={`${home}?edit`} className={buttonClass()}>
            <Pencil size={16} aria-hidden="true" />
            {t('editProfile')}
          </Link>
        ) : (
          <>
            {!viewerBlocks && <FollowButton person={person} />}
            {!viewerBlocks && (
              <Link to={paths.messageTo(username)} className={buttonClass()}>
                <MessageCircle size={16} aria-hidden="true" />
                {t('message')}
              </Link>
            )}
            {owner !== null && (
              <Suspense>
                <PersonMenu person={person} />
              </Suspense>
            )}
          </>
        )
      }
    >
      {isMe && params.has('edit') ? <ProfileForm person={person} /> : isDeleted ? <p>{t('deletedText')}</p> : <About person={person} />}
      {viewerBlocks && <p className={styles.blocked}>{t('blocked', { name: displayName })}</p>}
      {isAdministrator && !isMe && !isDeleted && (
        <Suspense>
          <Administration person={person} />
        </Suspense>
      )}
      <LinkTabs
        label={t('what')}
        tabs={SHOWN.map((each) => ({
          to: each === 'posts' ? home : `${home}?show=${each}`,
          title: titles[each],
          isSelected: each === shown,
        }))}
      />
      <Content key={shown} person={person} shown={shown} />
    </Page>
  );
};

const PersonPage = () => {
  const { username } = useParams<{ username: string }>();
  const answer = useQuery({ query: ReadPerson, variables: { username } });
  return (
    <Answer
      of={answer}
      loading={
        <PageBody>
          <Skeleton lines={8} />
        </PageBody>
      }
    >
      {({ user }) => (user ? <Profile key={user.id} person={user} /> : <NotFoundPage />)}
    </Answer>
  );
};

export default PersonPage;
