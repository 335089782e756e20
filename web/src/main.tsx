import { createRoot } from 'react-dom/client';
import { createApiSource } from './api/api.js';
import { tokens } from './api/session.js';
import { tabStorage } from './api/storage.js';
import { App } from './app/app.js';
import './design/tokens.css';
import './design/base.css';

const RELOADED = 'lyceum:reloaded';
/** One that is missing even so is told as a failure and not tried for ever, in milliseconds. */
const RELOAD_PAUSE_MS = 60_000;

// A page that was open while a new version was put in place asks for chunks that are there no more.
addEventListener('vite:preloadError', () => {
  const last = Number(tabStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RELOAD_PAUSE_MS) return;
  tabStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
});

const root = document.getElementById('root');
if (!root) throw new Error('There is no root.');
createRoot(root).render(<App source={createApiSource(tokens)} />);
