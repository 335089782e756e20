import { Link } from 'wouter';
import { Avatar } from '../../design/avatar.js';
import { Handle } from '../../design/handle.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { paths } from '../paths.js';
import { PersonLine as Line } from './operations.js';
import { peopleTexts } from './people-texts.js';
import styles from './person-line.module.css';

/** Somebody in a list of people: a link to what they have written. */
export const PersonLine = ({ person }: { readonly person: FragmentType<typeof Line> }) => {
  const t = useTexts(peopleTexts);
  const { username, displayName, bio, presence } = readFragment(Line, person);
  return (
    <Link to={paths.person(username)} className={styles.line}>
      <Avatar name={displayName} of={username} size={40} presence={presence.status} />
      <span className={styles.about}>
        <span className={styles.names}>
          <span className={styles.name} dir="auto">
            {displayName}
          </span>
          <Handle of={username} className={styles.username} />
          {presence.status !== 'OFFLINE' && <span className="visually-hidden">{t(presence.status)}</span>}
        </span>
        {bio !== null && bio !== '' && (
          <span className={styles.bio} dir="auto">
            {bio}
          </span>
        )}
      </span>
    </Link>
  );
};
