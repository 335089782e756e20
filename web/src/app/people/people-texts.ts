import { catalogue } from '../../i18n/catalogue.js';

/** What is said of people wherever they stand. */
export const peopleTexts = catalogue({
  en: {
    ONLINE: 'Here now',
    AWAY: 'Away',
    OFFLINE: 'Not here',
    people: 'People',
  },
  de: {
    ONLINE: 'Gerade da',
    AWAY: 'Abwesend',
    OFFLINE: 'Nicht da',
    people: 'Personen',
  },
});
