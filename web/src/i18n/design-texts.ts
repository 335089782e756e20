import { catalogue } from './catalogue.js';

/** What the components of `design/` say. */
export const designTexts = catalogue({
  en: {
    loading: 'Loading',
    close: 'Close',
  },
  de: {
    loading: 'Wird geladen',
    close: 'Schließen',
  },
});
