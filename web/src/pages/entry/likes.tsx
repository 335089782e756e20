import { Heart } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useMutation } from 'urql';
import { Link, useLocation } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, wordsOf } from '../../api/failure.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { useToast } from '../../design/toast.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { entryTexts } from './entry-texts.js';
import { LikeEntry, UnlikeEntry } from './operations.js';

const LikersDialog = lazy(() => import('../../app/people/likers-dialog.js'));

interface LikesProps {
  readonly entry: { readonly id: string; readonly likeCount: number; readonly viewerHasLiked: boolean };
}

/** Likes an entry, and shows who does. A like is shown at once, and taken back when the server refuses it. */
export const Likes = ({ entry: { id, likeCount, viewerHasLiked } }: LikesProps) => {
  const t = useTexts(entryTexts);
  const words = useTexts(failureTexts);
  const { number } = useFormats();
  const [location] = useLocation();
  const isSignedIn = useOwner() !== null;
  const toast = useToast();
  const [, like] = useMutation(LikeEntry);
  const [, unlike] = useMutation(UnlikeEntry);
  const [isAsking, setIsAsking] = useState(false);
  const change = async (): Promise<void> => {
    const { error } = await (viewerHasLiked ? unlike({ id }) : like({ id }));
    const failure = failureOf(error);
    if (failure) toast(wordsOf(failure, words));
  };
  return (
    <>
      {isSignedIn ? (
        <Button
          aria-pressed={viewerHasLiked}
          aria-label={`${viewerHasLiked ? t('unlike') : t('like')}, ${number(likeCount)}`}
          title={viewerHasLiked ? t('unlike') : t('like')}
          onClick={() => void change()}
        >
          <Heart size={16} aria-hidden="true" fill={viewerHasLiked ? 'currentColor' : 'none'} />
          {number(likeCount)}
        </Button>
      ) : (
        <Link
          to={paths.signIn(location)}
          className={buttonClass()}
          aria-label={`${t('signInToLike')}, ${number(likeCount)}`}
          title={t('signInToLike')}
        >
          <Heart size={16} aria-hidden="true" />
          {number(likeCount)}
        </Link>
      )}
      {likeCount > 0 && (
        <Button look="plain" onClick={() => setIsAsking(true)}>
          {t('likers')}
        </Button>
      )}
      {isAsking && (
        <Suspense>
          <LikersDialog of={id} onClose={() => setIsAsking(false)} />
        </Suspense>
      )}
    </>
  );
};
