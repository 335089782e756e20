import { catalogue } from '../../i18n/catalogue.js';

export const entryTexts = catalogue({
  en: {
    loading: 'Entry',
    tags: 'Tags',
  },
  de: {
    loading: 'Eintrag',
    tags: 'Schlagwörter',
  },
});
