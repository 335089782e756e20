import { Copy, SquareTerminal } from 'lucide-react';
import { useEffect, useState } from 'react';
import { HTTP_URL, SOCKET_URL } from '../../api/endpoint.js';
import { SCREENS, type Screen } from '../../app/asked.js';
import { useCopy } from '../../app/copy.js';
import { Page } from '../../app/page.js';
import { Button, buttonClass } from '../../design/button.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { developersTexts, screenTexts } from './developers-texts.js';
import styles from './developers-page.module.css';

const isNamed = (key: string): key is keyof (typeof screenTexts)['en'] => key in screenTexts.en;

/** `sign-in` is `signIn` in the catalogue, `app/posts` is `appPosts`; a screen that it does not know has the name of its folder. */
const keyOf = (name: string): string => name.replaceAll(/[-/](\w)/g, (_, letter: string) => letter.toUpperCase());

const Operation = ({ text }: { readonly text: string }) => {
  const t = useTexts(developersTexts);
  const copy = useCopy();
  return (
    <div className={styles.operation}>
      <pre className={styles.text} tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Button look="plain" className={styles.copy} onClick={() => copy(text, t('copied'))}>
        <Copy size={16} aria-hidden="true" />
        {t('copy')}
      </Button>
    </div>
  );
};

const AskedBy = ({ screen: { name, load } }: { readonly screen: Screen }) => {
  const t = useTexts(developersTexts);
  const names = useTexts(screenTexts);
  const [texts, setTexts] = useState<readonly string[] | null>(null);
  useEffect(() => {
    let gone = false;
    void load().then((loaded) => {
      if (!gone) setTexts(loaded);
    });
    return () => {
      gone = true;
    };
  }, [load]);
  const key = keyOf(name);
  return (
    <details className={styles.screen}>
      <summary className={styles.name}>
        {isNamed(key) ? names(key) : name}
        <span className={styles.count}>{texts && t('operationCount', { count: texts.length })}</span>
      </summary>
      {texts === null ? <Skeleton /> : texts.map((text) => <Operation key={text} text={text} />)}
    </details>
  );
};

/** Whether the server serves GraphiQL, which is off in production unless the operator wants it; false until it is known. */
const useGraphiQL = (): boolean => {
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    const gone = new AbortController();
    fetch(HTTP_URL, { method: 'HEAD', headers: { accept: 'text/html' }, signal: gone.signal }).then(
      ({ ok }) => setOn(ok),
      // Offline, or the page was left.
      () => undefined,
    );
    return () => gone.abort();
  }, []);
  return isOn;
};

const DevelopersPage = () => {
  const t = useTexts(developersTexts);
  const hasGraphiQL = useGraphiQL();
  return (
    <Page
      title={t('title')}
      actions={
        // Not a page of this client.
        hasGraphiQL && (
          <a href="/graphql" target="_blank" rel="noreferrer" className={buttonClass('primary')}>
            <SquareTerminal size={16} aria-hidden="true" />
            {t('graphiql')}
          </a>
        )
      }
    >
      <p className={styles.intro}>{t('intro')}</p>
      <dl className={styles.facts}>
        <dt>{t('http')}</dt>
        <dd>
          <code>{HTTP_URL}</code>
        </dd>
        <dt>{t('socket')}</dt>
        <dd>
          <code>{SOCKET_URL}</code>
        </dd>
        <dt>{t('keys')}</dt>
        <dd>
          <code>{new URL('/.well-known/jwks.json', HTTP_URL).href}</code>
        </dd>
      </dl>
      <section aria-labelledby="asks">
        <h2 id="asks" className={styles.heading}>
          {t('asks')}
        </h2>
        {SCREENS.map((screen) => (
          <AskedBy key={screen.name} screen={screen} />
        ))}
      </section>
    </Page>
  );
};

export default DevelopersPage;
