import { useQuery } from 'urql';
import { Link, useLocation, useParams } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { bareFailure, type Failure } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { Page, PageBody } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { useViewer } from '../../app/viewer.js';
import { buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { editorTexts } from './editor-texts.js';
import { EntryForm } from './entry-form.js';
import { EditedEntry, EntryToEdit } from './operations.js';

const NOT_ALLOWED: Failure = bareFailure('FORBIDDEN');

const EditEntry = ({ owner, slug }: { readonly owner: string; readonly slug: string }) => {
  const t = useTexts(editorTexts);
  // Its text as it is now: what a list has read earlier would be a conflict.
  const answer = useQuery({ query: EntryToEdit, variables: { slug }, requestPolicy: 'network-only' });
  const loading = (
    <PageBody width="wide">
      <Skeleton lines={10} />
    </PageBody>
  );
  return (
    <Answer of={answer} loading={loading}>
      {({ entry: found }) => {
        const entry = readFragment(EditedEntry, found);
        if (!entry) return <NotFoundPage />;
        if (!entry.viewerCanEdit)
          return (
            <Page title={t('edit', { title: entry.title })}>
              <ErrorNotice failure={NOT_ALLOWED} />
            </Page>
          );
        return <EntryForm key={entry.id} owner={owner} entry={entry} />;
      }}
    </Answer>
  );
};

/** Writes a new entry, or changes one. */
const EditorPage = () => {
  const t = useTexts(editorTexts);
  const { slug } = useParams<Readonly<Record<string, string | undefined>>>();
  const owner = useOwner();
  const viewer = useViewer();
  const [location] = useLocation();
  if (owner === null)
    return (
      <EmptyState
        isPage
        title={t('signInTitle')}
        action={
          <Link to={paths.signIn(location)} className={buttonClass('primary')}>
            {t('signIn')}
          </Link>
        }
      >
        {t('signInText')}
      </EmptyState>
    );
  if (slug !== undefined) return <EditEntry key={slug} owner={owner} slug={slug} />;
  if (viewer?.user.role === 'GUEST')
    return (
      <EmptyState
        isPage
        title={t('guestTitle')}
        action={
          <Link to={paths.register(location)} className={buttonClass('primary')}>
            {t('register')}
          </Link>
        }
      >
        {t('guestText')}
      </EmptyState>
    );
  return <EntryForm key="new" owner={owner} entry={null} />;
};

export default EditorPage;
