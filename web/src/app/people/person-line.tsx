import { Avatar } from '../../design/avatar.js';
import { Handle } from '../../design/handle.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { PersonLine as Line } from './operations.js';
import { peopleTexts } from './people-texts.js';
import { PersonLink, useNameOf } from './person-link.js';
import styles from './person-line.module.css';

/** Somebody in a list of people: a link to what they have written. */
export const PersonLine = ({ person }: { readonly person: FragmentType<typeof Line> }) => {
  const t = useTexts(peopleTexts);
  const shown = readFragment(Line, person);
  const { username, bio, presence, isDeleted } = shown;
  const displayName = useNameOf()(shown);
  return (
    <PersonLink person={shown} className={styles.line}>
      <Avatar name={displayName} of={username} size={40} presence={presence.status} />
      <span className={styles.about}>
        <span className={styles.names}>
          <span className={styles.name} dir="auto">
            {displayName}
          </span>
          {!isDeleted && <Handle of={username} className={styles.username} />}
          {presence.status !== 'OFFLINE' && <span className="visually-hidden">{t(presence.status)}</span>}
        </span>
        {bio !== null && bio !== '' && (
          <span className={styles.bio} dir="auto">
            {bio}
          </span>
        )}
      </span>
    </PersonLink>
  );
};
