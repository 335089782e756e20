import { Heart } from 'lucide-react';
import { useState } from 'react';
import type { CombinedError } from 'urql';
import { Link } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, wordsOf } from '../../api/failure.js';
import { useToast } from '../../design/toast.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { useHere } from '../invitation.js';
import { paths } from '../paths.js';
import { likesTexts } from './likes-texts.js';
import styles from '../act.module.css';

interface LikeButtonProps {
  readonly likeCount: number;
  readonly isLiked: boolean;
  /** Has it liked, or no longer. */
  readonly onLike: (isLiked: boolean) => Promise<{ readonly error?: CombinedError | undefined }>;
}

/** Likes something, or no longer. It shows at once, and is taken back in words when it did not arrive; a visitor is asked to sign in. */
export const LikeButton = ({ likeCount, isLiked, onLike }: LikeButtonProps) => {
  const t = useTexts(likesTexts);
  const failures = useTexts(failureTexts);
  const { number } = useFormats();
  const toast = useToast();
  const here = useHere();
  const owner = useOwner();
  const [isBusy, setBusy] = useState(false);
  const content = (
    <>
      <Heart size={16} aria-hidden="true" fill={isLiked ? 'currentColor' : 'none'} />
      <span aria-hidden="true">{number(likeCount)}</span>
      <span className="visually-hidden">{`${owner === null ? t('signInToLike') : t('like')}, ${t('likes', { count: likeCount })}`}</span>
    </>
  );
  if (owner === null)
    return (
      <Link to={paths.signIn(here)} className={styles.act} title={t('signInToLike')}>
        {content}
      </Link>
    );
  const toggle = async (): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    const { error } = await onLike(!isLiked);
    setBusy(false);
    const failure = failureOf(error);
    if (failure) toast(t(isLiked ? 'notUnliked' : 'notLiked', { why: wordsOf(failure, failures) }));
  };
  return (
    <button type="button" className={styles.act} aria-pressed={isLiked} title={t('like')} onClick={() => void toggle()}>
      {content}
    </button>
  );
};
