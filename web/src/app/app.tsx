import { useSyncExternalStore } from 'react';
import { useLocation } from 'wouter';
import type { ApiSource } from '../api/api.js';
import { ApiProvider } from '../api/api-provider.js';
import { ToastProvider } from '../design/toast.js';
import { LanguageProvider } from '../i18n/language.js';
import { Boundary } from './broken.js';
import './leave-guard.js';
import { languageOf, preferences } from './preferences.js';
import { Routes } from './routes.js';
import { Shell } from './shell.js';
import { TermsGate } from './terms-gate.js';
import { ViewerProvider } from './viewer.js';

export const App = ({ source }: { readonly source: ApiSource }) => {
  const language = useSyncExternalStore(preferences.onChange, () => languageOf(preferences.get()));
  const [location] = useLocation();
  return (
    <LanguageProvider language={language}>
      <ApiProvider source={source}>
        <ViewerProvider>
          <ToastProvider>
            <Shell>
              <Boundary at={location}>
                <TermsGate>
                  <Routes />
                </TermsGate>
              </Boundary>
            </Shell>
          </ToastProvider>
        </ViewerProvider>
      </ApiProvider>
    </LanguageProvider>
  );
};
