import { useQuery } from 'urql';
import { Answer } from '../../app/answer.js';
import { Skeleton } from '../../design/skeleton.js';
import type { DifferenceKind } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { historyTexts } from './history-texts.js';
import { ReadDifference, ReadRevision } from './operations.js';
import styles from './history-page.module.css';

/** So many lines that have not changed are shown at either side of those that have. */
const AROUND = 3;

interface Part {
  readonly kind: DifferenceKind;
  readonly text: string;
}

const Lines = ({ text }: { readonly text: string }) => (
  <pre className={styles.lines} dir="auto">
    {text === '' ? '\n' : text}
  </pre>
);

/** Lines as before: those beside a change, and how many are between. */
const Same = ({ text, isFirst, isLast }: { readonly text: string; readonly isFirst: boolean; readonly isLast: boolean }) => {
  const t = useTexts(historyTexts);
  const lines = text.split('\n');
  const [before, after] = [isFirst ? 0 : AROUND, isLast ? 0 : AROUND];
  const count = lines.length - before - after;
  if (count <= 1) return <Lines text={text} />;
  return (
    <>
      {before > 0 && <Lines text={lines.slice(0, before).join('\n')} />}
      <p className={styles.left}>{t('left', { count })}</p>
      {after > 0 && <Lines text={lines.slice(-after).join('\n')} />}
    </>
  );
};

const Parts = ({ parts }: { readonly parts: readonly Part[] }) => {
  const t = useTexts(historyTexts);
  if (parts.every(({ kind }) => kind === 'SAME')) return <p className={styles.left}>{t('noChange')}</p>;
  return (
    <div className={styles.parts}>
      {parts.map(({ kind, text }, index) => {
        if (kind === 'SAME') return <Same key={index} text={text} isFirst={index === 0} isLast={index === parts.length - 1} />;
        const Changed = kind === 'ADDED' ? 'ins' : 'del';
        return (
          <Changed key={index} className={styles[kind.toLowerCase()]}>
            <span className="visually-hidden">{t(kind === 'ADDED' ? 'added' : 'removed')}</span>
            <Lines text={text} />
          </Changed>
        );
      })}
    </div>
  );
};

/** What a version has changed of the one before. */
export const Difference = ({ from, to }: { readonly from: string; readonly to: string }) => {
  const answer = useQuery({ query: ReadDifference, variables: { from, to } });
  return (
    <Answer of={answer} loading={<Skeleton lines={4} />}>
      {({ entryDifference }) => entryDifference && <Parts parts={entryDifference.parts} />}
    </Answer>
  );
};

/** The text of the first version, all of which is new. */
export const FirstText = ({ id }: { readonly id: string }) => {
  const answer = useQuery({ query: ReadRevision, variables: { id } });
  return (
    <Answer of={answer} loading={<Skeleton lines={4} />}>
      {({ node }) => node && 'content' in node && <Parts parts={[{ kind: 'ADDED', text: node.content }]} />}
    </Answer>
  );
};
