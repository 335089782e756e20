import { catalogue } from '../../i18n/catalogue.js';

/** What is said of people wherever they stand. */
export const peopleTexts = catalogue({
  en: {
    ONLINE: 'Here now',
    AWAY: 'Away',
    OFFLINE: 'Not here',
    more: 'Show more',
  },
  de: {
    ONLINE: 'Gerade da',
    AWAY: 'Abwesend',
    OFFLINE: 'Nicht da',
    more: 'Mehr zeigen',
  },
});
