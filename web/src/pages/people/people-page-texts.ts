import { catalogue } from '../../i18n/catalogue.js';

export const peoplePageTexts = catalogue({
  en: {
    title: 'People',
    search: 'Find somebody by their name',
    nobodyTitle: 'Nobody has this name',
    nobody: 'Look for a part of the name, or of the username.',
    emptyTitle: 'Nobody is here yet',
    empty: 'Here stand all who have an account, and guests.',
  },
  de: {
    title: 'Personen',
    search: 'Finde jemanden am Namen',
    nobodyTitle: 'So heißt hier niemand',
    nobody: 'Suche nach einem Teil des Namens oder des Benutzernamens.',
    emptyTitle: 'Noch ist niemand da',
    empty: 'Hier stehen alle, die ein Konto haben, und Gäste.',
  },
});
