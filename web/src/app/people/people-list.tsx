import { useMemo } from 'react';
import { FlowList } from '../../design/flow-list.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { listMemory } from '../list-memory.js';
import { useNear } from '../near.js';
import { PersonLine as Line } from './operations.js';
import { peopleTexts } from './people-texts.js';
import { PersonLine } from './person-line.js';
import { usePresence } from './use-presence.js';

interface PeopleListProps {
  readonly people: readonly FragmentType<typeof Line>[];
  /** Of which list it is: its place is kept by this name. */
  readonly name: string;
  /** Undefined when there are no more, or more are under way. */
  readonly onMore: (() => void) | undefined;
  readonly isFetching: boolean;
}

/** Who is here is followed for so many before and behind those who are seen. */
const STEP = 30;

/** An endless list of people; whether they are here is shown as it is now. */
export const PeopleList = ({ people, name, onMore, isFetching }: PeopleListProps) => {
  const t = useTexts(peopleTexts);
  const { near, onRange } = useNear(people, STEP);
  usePresence(useMemo(() => near.map((person) => readFragment(Line, person).id), [near]));
  return (
    <div>
      <FlowList
        items={people}
        keyOf={(person) => readFragment(Line, person).id}
        label={t('people')}
        memory={listMemory(name)}
        onEnd={onMore}
        onRange={onRange}
      >
        {(person) => <PersonLine person={person} />}
      </FlowList>
      {isFetching && <Skeleton kind="rows" lines={3} />}
    </div>
  );
};
