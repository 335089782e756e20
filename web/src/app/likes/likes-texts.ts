import { catalogue } from '../../i18n/catalogue.js';

/** What is said of likes, whatever is liked. */
export const likesTexts = catalogue({
  en: {
    like: 'Like',
    likes: '{count, plural, one {# like} other {# likes}}',
    signInToLike: 'Sign in to like',
    notLiked: 'Your like did not arrive: {why}',
    notUnliked: 'Your like is still there: {why}',
    whoLikes: 'Who likes it',
  },
  de: {
    like: 'Gefällt mir',
    likes: '{count, plural, one {# Like} other {# Likes}}',
    signInToLike: 'Zum Liken anmelden',
    notLiked: 'Dein Like ist nicht angekommen: {why}',
    notUnliked: 'Dein Like ist noch da: {why}',
    whoLikes: 'Wem es gefällt',
  },
});
