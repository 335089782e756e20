import { FileText } from 'lucide-react';
import { useClient, useMutation } from 'urql';
import { Link } from 'wouter';
import { failureOf } from '../api/failure.js';
import { Button } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { ErrorNotice } from '../design/error-notice.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { AcceptTerms, ShellViewer } from './operations.js';
import { paths } from './paths.js';
import { useTitle } from './title.js';

interface TermsPageProps {
  readonly terms: { readonly version: string; readonly url: string };
}

/** Asks somebody who is signed in to accept the present terms. */
const TermsPage = ({ terms: { version, url } }: TermsPageProps) => {
  const t = useTexts(appTexts);
  const client = useClient();
  const [{ fetching, error }, accept] = useMutation(AcceptTerms);
  const failure = failureOf(error);
  useTitle(t('termsTitle'));
  const send = async (): Promise<void> => {
    await accept({ input: { version } });
    // Also after a refusal: other terms may be the present ones by now.
    await client.query(ShellViewer, {}, { requestPolicy: 'network-only' }).toPromise();
  };
  return (
    <EmptyState
      isPage
      icon={<FileText size={20} />}
      title={t('termsTitle')}
      action={
        <Button look="primary" busy={fetching} onClick={() => void send()}>
          {t('accept')}
        </Button>
      }
    >
      {failure && <ErrorNotice failure={failure} />}
      <p>
        {t.rich('termsText', {
          terms: (
            <a key="terms" href={url} target="_blank" rel="noreferrer">
              {t('terms')}
            </a>
          ),
          settings: (
            <Link key="settings" to={paths.settings}>
              {t('inSettings')}
            </Link>
          ),
        })}
      </p>
    </EmptyState>
  );
};

export default TermsPage;
