import { UserCheck, UserPlus } from 'lucide-react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, wordsOf } from '../../api/failure.js';
import { useHere } from '../../app/invitation.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { useToast } from '../../design/toast.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useTexts } from '../../i18n/language.js';
import { FollowPerson, UnfollowPerson } from './operations.js';
import type { Person } from './person.js';
import { personTexts } from './person-texts.js';

/** Follows somebody, or no longer. It shows at once, and is taken back in words when it did not arrive; a visitor is asked to sign in. */
export const FollowButton = ({ person: { id, displayName, viewerFollows } }: { readonly person: Person }) => {
  const t = useTexts(personTexts);
  const failures = useTexts(failureTexts);
  const toast = useToast();
  const here = useHere();
  const owner = useOwner();
  const [, follow] = useMutation(FollowPerson);
  const [, unfollow] = useMutation(UnfollowPerson);
  if (owner === null)
    return (
      <Link to={paths.signIn(here)} className={buttonClass('primary')}>
        <UserPlus size={16} aria-hidden="true" />
        {t('follow')}
      </Link>
    );
  const toggle = async (): Promise<void> => {
    const { error } = await (viewerFollows ? unfollow : follow)({ userId: id });
    const failure = failureOf(error);
    if (failure) toast(t('notDone', { why: wordsOf(failure, failures) }));
  };
  return (
    <Button
      look={viewerFollows ? 'secondary' : 'primary'}
      title={t(viewerFollows ? 'unfollow' : 'followThem', { name: displayName })}
      aria-pressed={viewerFollows}
      onClick={() => void toggle()}
    >
      {viewerFollows ? <UserCheck size={16} aria-hidden="true" /> : <UserPlus size={16} aria-hidden="true" />}
      {t(viewerFollows ? 'follows' : 'follow')}
    </Button>
  );
};
