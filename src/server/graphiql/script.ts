/** The demo users who can be signed in with one click. */
export interface DemoSignIn {
  readonly users: readonly string[];
  readonly password: string;
}

/**
 * The script of the page beside GraphiQL itself: storage of the tabs, sign-in, and the fetcher. It needs the graphql-ws client as
 * `graphqlWs` and defines `lyceumGraphiQL(root, options)`.
 * @param demo null where there are no demo users
 */
export const graphiqlScript = (demo: DemoSignIn | null): string =>
  // Inside a script element, "</script" would end it.
  [STORAGE, SESSION.replace('__DEMO__', () => JSON.stringify(demo).replaceAll('<', '\\u003c')), FETCHER, SIGN_IN, START].join('');

/**
 * The storage of GraphiQL. GraphiQL stores the headers of its editor and history; they are left out, so that no token stays in the browser.
 * It also stores the last edited query apart from the tabs, and opens an extra tab when no tab has that query; here it is always the query
 * of the open tab.
 */
const STORAGE = `
const lyceumStorage = (() => {
  const withoutHeaders = (text) => JSON.stringify(JSON.parse(text), (name, value) => (name === 'headers' ? null : value));
  const openTab = () => {
    try {
      const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
      return tabs[activeTabIndex] ?? {};
    } catch {
      return {};
    }
  };
  const ofTab = { 'graphiql:query': 'query', 'graphiql:variables': 'variables', 'graphiql:headers': 'headers' };
  const lists = ['graphiql:tabState', 'graphiql:queries', 'graphiql:favorites'];
  // Removes what an earlier version of this page has stored.
  for (const name of Object.keys(ofTab)) localStorage.removeItem(name);
  for (const name of lists) {
    const text = localStorage.getItem(name);
    try {
      if (text !== null) localStorage.setItem(name, withoutHeaders(text));
    } catch {
      localStorage.removeItem(name);
    }
  }
  return {
    getItem: (name) => (name in ofTab ? (openTab()[ofTab[name]] ?? null) : localStorage.getItem(name)),
    setItem: (name, text) => {
      if (!(name in ofTab)) localStorage.setItem(name, lists.includes(name) ? withoutHeaders(text) : text);
    },
    removeItem: (name) => localStorage.removeItem(name),
    get length() {
      return localStorage.length;
    },
    clear: () => localStorage.clear(),
  };
})();
`;

/**
 * The session of a demo user, for all tabs of GraphiQL. Its tokens are in memory only. The browser stores the user name, with which a
 * reload signs in again; other windows follow its changes. Each window has a session of its own, because two windows would use up the same
 * refresh token.
 */
const SESSION = `
const lyceumSession = (() => {
  const demo = __DEMO__;
  const KEY = 'lyceum:demo-user';
  const CREDENTIALS = '{ credentials { accessToken refreshToken } }';
  const LOGIN = 'mutation ($identifier: String!, $password: String!) { login(input: { identifier: $identifier, password: $password }) ' + CREDENTIALS + ' }';
  const REFRESH = 'mutation ($refreshToken: String) { refreshSession(input: { refreshToken: $refreshToken }) ' + CREDENTIALS + ' }';
  const LOGOUT = 'mutation { logout { __typename } }';
  let session = null;
  let trouble = '';
  let timer;
  const sockets = new Set();
  const watchers = new Set();
  const tell = () => watchers.forEach((watcher) => watcher());

  const ask = async (query, variables, headers = {}) => {
    const response = await fetch(location.pathname, {
      method: 'POST',
      headers: { accept: 'application/graphql-response+json', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    const credentials = Object.values(data ?? {})[0]?.credentials;
    if (!credentials && errors) throw new Error(errors[0].message);
    return credentials;
  };

  const adopt = (username, { accessToken, refreshToken }) => {
    const { iat, exp } = JSON.parse(atob(accessToken.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    // The time of renewal follows from the token's lifetime, since the clock of this machine may be wrong.
    const renewInMs = (exp - iat) * 600;
    session = { username, accessToken, refreshToken, renewAt: Date.now() + renewInMs };
    clearTimeout(timer);
    timer = setTimeout(() => void inOrder(renew), renewInMs);
    for (const { socket, as } of sockets) if (as === username) socket.send(JSON.stringify({ type: 'ping', payload: { accessToken } }));
  };

  // Sign-ins and renewals run one after the other: of two quick sign-ins the second one wins.
  let turn = Promise.resolve();
  const inOrder = (work) =>
    (turn = turn.then(async () => {
      trouble = '';
      await work().catch((error) => (trouble = error.message));
      tell();
    }));

  const renew = async () => {
    if (session === null) return;
    const { username, refreshToken } = session;
    clearTimeout(timer);
    // A failed renewal is retried soon; the present token is still valid for some time.
    timer = setTimeout(() => void inOrder(renew), 10_000);
    // After the server's database was recreated, the user exists but the session does not.
    adopt(username, await ask(REFRESH, { refreshToken }).catch(() => ask(LOGIN, { identifier: username, password: demo.password })));
  };
  const change = async (username) => {
    const before = session;
    session = null;
    clearTimeout(timer);
    if (before !== null) await ask(LOGOUT, {}, { authorization: 'Bearer ' + before.accessToken }).catch(() => undefined);
    if (username !== null) adopt(username, await ask(LOGIN, { identifier: username, password: demo.password }));
  };

  const known = (username) => (demo?.users.includes(username) ? username : null);
  if (demo !== null) {
    addEventListener('storage', ({ key, newValue }) => key === KEY && void inOrder(() => change(known(newValue))));
    const kept = known(localStorage.getItem(KEY));
    if (kept !== null) void inOrder(() => change(kept));
  }
  return {
    users: demo?.users ?? [],
    username: () => session?.username ?? null,
    trouble: () => trouble,
    watch: (watcher) => watchers.add(watcher),
    choose: (username) => {
      if (username === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, username);
      return inOrder(() => change(username));
    },
    /** The access token, renewed if necessary; null for an anonymous visitor. */
    token: async () => {
      await turn;
      // Timers do not run while the machine sleeps.
      if (session !== null && Date.now() > session.renewAt + 1_000) await inOrder(renew);
      return session?.accessToken ?? null;
    },
    /** Keeps the token of an open socket fresh until the returned function is called. */
    follow: (socket) => {
      const followed = { socket, as: session?.username };
      sockets.add(followed);
      return () => sockets.delete(followed);
    },
  };
})();
`;

/**
 * The fetcher of GraphiQL. Its own fetcher opens sockets without the headers of the editor; here they become the `connectionParams`, so a
 * token typed there applies to subscriptions too, and takes precedence over the session. Each subscription has a socket of its own, with
 * the headers of the moment when it starts. Introspection is sent without a token, because an expired one would refuse it.
 */
const FETCHER = `
const lyceumFetcher = (params, { headers = {}, documentAST } = {}) => {
  const isAuthorization = (name) => name.toLowerCase() === 'authorization';
  const isTyped = Object.keys(headers).some(isAuthorization);
  const operations = (documentAST?.definitions ?? []).filter(({ kind }) => kind === 'OperationDefinition');
  const operation = operations.find(({ name }) => name?.value === params.operationName) ?? operations[0];
  const post = (more) =>
    fetch(location.pathname, {
      method: 'POST',
      headers: { accept: 'application/graphql-response+json, application/json', ...more, 'content-type': 'application/json' },
      body: JSON.stringify(params),
    }).then((response) => response.json());
  if (params.operationName === 'IntrospectionQuery') return post(Object.fromEntries(Object.entries(headers).filter(([name]) => !isAuthorization(name))));
  const token = async () => (isTyped ? null : await lyceumSession.token());
  if (operation?.operation !== 'subscription') {
    return token().then((fresh) => post({ ...(fresh === null ? {} : { authorization: 'Bearer ' + fresh }), ...headers }));
  }
  let unfollow = () => undefined;
  const client = graphqlWs.createClient({
    url: location.origin.replace(/^http/, 'ws') + location.pathname,
    connectionParams: async () => {
      const fresh = await token();
      return fresh === null ? headers : { ...headers, accessToken: fresh };
    },
    on: {
      connected: (socket) => {
        unfollow();
        if (!isTyped) unfollow = lyceumSession.follow(socket);
      },
      closed: () => unfollow(),
    },
  });
  const results = client.iterate(params);
  const told = (error) => (Array.isArray(error) ? error : [{ message: error.code ? 'The socket was closed: ' + error.code + ' ' + error.reason : String(error) }]);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => results.next().catch((error) => ({ done: false, value: { errors: told(error) } })),
    return: () => {
      client.dispose();
      return results.return();
    },
  };
};
`;

/** The choice of a demo user and the sign-in button, next to the page's name. */
const SIGN_IN = `
customElements.define('lyceum-sign-in', class extends HTMLElement {
  connectedCallback() {
    const choice = document.createElement('select');
    choice.ariaLabel = 'Demo user';
    choice.append(...lyceumSession.users.map((name) => new Option(name)));
    const button = document.createElement('button');
    button.type = 'button';
    const status = document.createElement('span');
    status.role = 'status';
    const show = () => {
      const username = lyceumSession.username();
      if (username !== null) choice.value = username;
      button.textContent = username === null ? 'Sign in' : 'Sign out';
      status.textContent = lyceumSession.trouble();
    };
    choice.addEventListener('change', () => lyceumSession.username() !== null && lyceumSession.choose(choice.value));
    button.addEventListener('click', () => lyceumSession.choose(lyceumSession.username() === null ? choice.value : null));
    lyceumSession.watch(show);
    this.replaceChildren(status, choice, button);
    show();
  }
});
`;

/** A query in the URL is opened and then removed from the URL, since from then on it is a tab like all others. */
const START = `
const lyceumGraphiQL = (root, options) => {
  const address = new URL(location.href);
  const query = address.searchParams.get('query') ?? undefined;
  address.searchParams.delete('query');
  history.replaceState({}, '', address);
  YogaGraphiQL.renderYogaGraphiQL(root, {
    ...options,
    ...(query === undefined ? {} : { query }),
    title: options.title + (lyceumSession.users.length > 0 ? '<lyceum-sign-in></lyceum-sign-in>' : ''),
    storage: lyceumStorage,
    fetcher: lyceumFetcher,
    onEditQuery: () => undefined,
  });
};
`;
