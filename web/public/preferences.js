// Before the first paint: the theme and the language that were chosen here (src/app/preferences.ts keeps them), so that nothing flashes.
(() => {
  const root = document.documentElement;
  try {
    const { theme, language } = JSON.parse(localStorage.getItem('lyceum:preferences') ?? '{}');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    if (typeof language === 'string') root.lang = language;
  } catch {
    // Without storage, or with one that somebody else has written: as the system says.
  }
})();
