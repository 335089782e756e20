import { catalogue } from '../../i18n/catalogue.js';

export const oidcTexts = catalogue({
  en: { with: 'Go on with {issuer}' },
  de: { with: 'Weiter mit {issuer}' },
});
