import { catalogue } from '../../i18n/catalogue.js';

/** What is said of people wherever they stand. */
export const peopleTexts = catalogue({
  en: {
    ONLINE: 'Here now',
    AWAY: 'Away',
    OFFLINE: 'Not here',
    deletedUser: 'Deleted user',
    people: 'People',
    whoLikes: 'Who likes it',
    nobodyLikes: 'Nobody yet',
    showMore: 'Show more',
  },
  de: {
    ONLINE: 'Gerade da',
    AWAY: 'Abwesend',
    OFFLINE: 'Nicht da',
    deletedUser: 'Gelöschtes Konto',
    people: 'Personen',
    whoLikes: 'Wem es gefällt',
    nobodyLikes: 'Noch niemandem',
    showMore: 'Mehr zeigen',
  },
});
