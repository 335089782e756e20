import { Users } from 'lucide-react';
import { useQuery } from 'urql';
import { useSearchParams } from 'wouter';
import { Answer } from '../../app/answer.js';
import { Page } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
import { PeopleList } from '../../app/people/people-list.js';
import { useTypedSearch } from '../../app/settled.js';
import { EmptyState } from '../../design/empty-state.js';
import { Skeleton } from '../../design/skeleton.js';
import { TextField } from '../../design/text-field.js';
import { useTexts } from '../../i18n/language.js';
import { Directory } from './operations.js';
import { peoplePageTexts } from './people-page-texts.js';

const PAGE = 40;
const MAX_SEARCH = 100;

const Found = ({ search }: { readonly search: string }) => {
  const t = useTexts(peoplePageTexts);
  const { after, moreOf } = usePages();
  const answer = useQuery({ query: Directory, variables: { search: search === '' ? null : search, first: PAGE, after } });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={10} />}>
      {({ users }, isFetching) => {
        if (!users) return null;
        if (users.nodes.length === 0)
          return search === '' ? (
            <EmptyState icon={<Users size={20} />} title={t('emptyTitle')}>
              {t('empty')}
            </EmptyState>
          ) : (
            <EmptyState title={t('nobodyTitle')}>{t('nobody')}</EmptyState>
          );
        return <PeopleList people={users.nodes} name={`people ${search}`} {...moreOf(users.pageInfo, isFetching)} />;
      }}
    </Answer>
  );
};

/** Everybody, with a search that is part of the address. */
const PeoplePage = () => {
  const t = useTexts(peoplePageTexts);
  const [params, setParams] = useSearchParams();
  const asked = params.get('q') ?? '';
  const { text, type } = useTypedSearch(asked, (words) => setParams(words === '' ? {} : { q: words }, { replace: true }));
  return (
    <Page title={t('title')}>
      <TextField
        type="search"
        label={t('search')}
        value={text}
        maxLength={MAX_SEARCH}
        onChange={({ currentTarget }) => type(currentTarget.value)}
      />
      <Found key={asked} search={asked} />
    </Page>
  );
};

export default PeoplePage;
