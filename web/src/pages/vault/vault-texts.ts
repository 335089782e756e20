import { catalogue } from '../../i18n/catalogue.js';

export const vaultTexts = catalogue({
  en: {
    title: 'Vault',
    categories: 'Categories',
    all: 'All entries',
    entryCount: '{count, plural, one {# entry} other {# entries}}',
    by: 'by {author}',
    more: 'Show more',
    emptyTitle: 'No entries yet',
    emptyText: 'The vault keeps what this community knows: notes, guides and answers that last.',
  },
  de: {
    title: 'Wissen',
    categories: 'Kategorien',
    all: 'Alle Einträge',
    entryCount: '{count, plural, one {# Eintrag} other {# Einträge}}',
    by: 'von {author}',
    more: 'Mehr zeigen',
    emptyTitle: 'Noch keine Einträge',
    emptyText: 'Hier bleibt, was diese Gemeinschaft weiß: Notizen, Anleitungen und Antworten von Dauer.',
  },
});
