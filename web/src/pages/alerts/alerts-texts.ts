import { catalogue } from '../../i18n/catalogue.js';

export const alertsTexts = catalogue({
  en: {
    title: 'Security alerts',
    about: 'What may be an attack and should be looked at soon. You are told here at once, and by mail. Alerts are kept for a year.',
    visitors: 'Administrators see here what may be an attack.',
    emptyTitle: 'No alerts',
    emptyText: 'Accounts that are attacked, bans and other roles will stand here.',
    more: 'Show earlier ones',
    audit: 'Audit',
  },
  de: {
    title: 'Sicherheitswarnungen',
    about:
      'Was ein Angriff sein kann und bald angesehen werden sollte. Du erfährst es hier sofort und per Mail. Warnungen bleiben ein Jahr lang.',
    visitors: 'Wer verwaltet, sieht hier, was ein Angriff sein kann.',
    emptyTitle: 'Keine Warnungen',
    emptyText: 'Angegriffene Konten, Sperren und andere Rollen stehen dann hier.',
    more: 'Frühere zeigen',
    audit: 'Protokoll',
  },
});
