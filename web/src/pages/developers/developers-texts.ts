import { catalogue } from '../../i18n/catalogue.js';

export const developersTexts = catalogue({
  en: {
    title: 'Developers',
    intro: 'Everything in this client comes from the public GraphQL API. What each screen asks stands below, word for word.',
    graphiql: 'Open GraphiQL',
    http: 'Queries and mutations',
    socket: 'Subscriptions (graphql-transport-ws)',
    keys: 'Public keys of access tokens',
    asks: 'How each screen asks',
    operationCount: '{count, plural, =0 {Asks nothing} one {# operation} other {# operations}}',
    copy: 'Copy',
    copied: 'Copied',
  },
  de: {
    title: 'Entwickler',
    intro: 'Alles in diesem Client kommt aus der öffentlichen GraphQL-API. Was jede Ansicht fragt, steht unten im Wortlaut.',
    graphiql: 'GraphiQL öffnen',
    http: 'Abfragen und Mutationen',
    socket: 'Subscriptions (graphql-transport-ws)',
    keys: 'Öffentliche Schlüssel der Zugangstoken',
    asks: 'Wie jede Ansicht fragt',
    operationCount: '{count, plural, =0 {Fragt nichts} one {# Operation} other {# Operationen}}',
    copy: 'Kopieren',
    copied: 'Kopiert',
  },
});

/** What the screens are called, by the names of their folders. */
export const screenTexts = catalogue({
  en: {
    app: 'Every page: the frame',
    api: 'Every page: the session',
    vault: 'Vault',
    entry: 'Entry',
    feed: 'Feed',
    post: 'Post',
    people: 'People',
    person: 'Profile',
    messages: 'Messages',
    notifications: 'Notifications',
    settings: 'Settings',
    signIn: 'Sign in',
    join: 'Join a room',
    developers: 'Developers',
  },
  de: {
    app: 'Jede Seite: der Rahmen',
    api: 'Jede Seite: die Sitzung',
    vault: 'Wissen',
    entry: 'Eintrag',
    feed: 'Beiträge',
    post: 'Beitrag',
    people: 'Personen',
    person: 'Profil',
    messages: 'Nachrichten',
    notifications: 'Mitteilungen',
    settings: 'Einstellungen',
    signIn: 'Anmelden',
    join: 'Raum betreten',
    developers: 'Entwickler',
  },
});
