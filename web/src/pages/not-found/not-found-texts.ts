import { catalogue } from '../../i18n/catalogue.js';

export const notFoundTexts = catalogue({
  en: {
    title: 'There is nothing here',
    text: 'The address may be wrong, or what was here has been deleted, or you may not see it.',
    toVault: 'To the vault',
  },
  de: {
    title: 'Hier ist nichts',
    text: 'Vielleicht stimmt die Adresse nicht, oder was hier war, wurde gelöscht, oder du darfst es nicht sehen.',
    toVault: 'Zum Wissen',
  },
});
