import { useId, useState } from 'react';
import { useMutation, useQuery, type UseMutationResponse } from 'urql';
import { Link } from 'wouter';
import { failureOf, wordsOf } from '../../api/failure.js';
import { Answer } from '../../app/answer.js';
import { AskDialog } from '../../app/ask-dialog.js';
import { paths } from '../../app/paths.js';
import { Button, buttonClass } from '../../design/button.js';
import { SelectField, TextArea } from '../../design/text-field.js';
import { useToast } from '../../design/toast.js';
import { readFragment } from '../../gql/fragment-masking.js';
import type { AdministeredFragment, Role } from '../../gql/graphql.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { Connections } from './connections.js';
import { administrationTexts } from './administration-texts.js';
import {
  Administered,
  DisconnectPerson,
  GiveRole,
  ReadAdministered,
  RemoveSecondFactor,
  SuspendPerson,
  UnlockPerson,
} from './operations.js';
import type { Person } from './person.js';
import styles from './person-page.module.css';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** For how many days somebody may be suspended, or until that is lifted. */
const DAYS = [1, 7, 30];
/** Those that an administrator gives. */
const GIVEN: readonly Role[] = ['MEMBER', 'MODERATOR', 'ADMIN'];

const SuspendDialog = ({ id, name, onClose }: { readonly id: string; readonly name: string; readonly onClose: () => void }) => {
  const t = useTexts(administrationTexts);
  const [days, setDays] = useState(String(DAYS[0]));
  const [reason, setReason] = useState('');
  const [, suspend] = useMutation(SuspendPerson);
  const act = async () => {
    const until = days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    return (await suspend({ userId: id, until, reason: reason.trim() })).error;
  };
  return (
    <AskDialog open onClose={onClose} title={t('suspendAsk', { name })} act={t('doSuspend')} onAct={act}>
      <p>{t('suspendText')}</p>
      <SelectField label={t('period')} value={days} onChange={({ target }) => setDays(target.value)}>
        {DAYS.map((count) => (
          <option key={count} value={count}>
            {t('days', { count })}
          </option>
        ))}
        <option value="">{t('forGood')}</option>
      </SelectField>
      <TextArea
        label={t('reason')}
        hint={t('reasonHint')}
        value={reason}
        onChange={({ target }) => setReason(target.value)}
        maxLength={500}
      />
    </AskDialog>
  );
};

const RemoveFactorDialog = ({ id, name, onClose }: { readonly id: string; readonly name: string; readonly onClose: () => void }) => {
  const t = useTexts(administrationTexts);
  const [, remove] = useMutation(RemoveSecondFactor);
  return (
    <AskDialog
      open
      onClose={onClose}
      title={t('factorAsk', { name })}
      act={t('removeFactor')}
      onAct={async () => (await remove({ userId: id })).error}
    >
      <p>{t('factorText')}</p>
    </AskDialog>
  );
};

const Acts = ({ person: { displayName: name }, of }: { readonly person: Person; readonly of: AdministeredFragment }) => {
  const t = useTexts(administrationTexts);
  const failures = useTexts(failureTexts);
  const { exact } = useFormats();
  const toast = useToast();
  const [suspends, setSuspends] = useState(false);
  const [removesFactor, setRemovesFactor] = useState(false);
  const [showsConnections, setShowsConnections] = useState(false);
  const [, giveRole] = useMutation(GiveRole);
  const [, unlock] = useMutation(UnlockPerson);
  const [, disconnect] = useMutation(DisconnectPerson);
  const { id, role, suspension } = of;
  /** @returns what was answered; undefined when it failed, which is told */
  const done = async <Data,>(acted: ReturnType<UseMutationResponse<Data>[1]>): Promise<Data | undefined> => {
    const { data, error } = await acted;
    const failure = failureOf(error);
    if (failure) toast(t('notDone', { why: wordsOf(failure, failures) }));
    return data;
  };
  const lift = async (): Promise<void> => {
    if ((await done(unlock({ userId: id })))?.unlockUser) toast(t('isLifted', { name }));
  };
  const signOut = async (): Promise<void> => {
    const ended = (await done(disconnect({ userId: id })))?.disconnectUser;
    if (ended) toast(t('disconnected', { count: ended.endedCount }));
  };
  return (
    <>
      {suspension && (
        <p className={styles.blocked}>
          {suspension.until === null ? t('suspended') : t('suspendedUntil', { when: exact(new Date(suspension.until)) })}{' '}
          <bdi>{suspension.reason}</bdi>
        </p>
      )}
      {role !== 'GUEST' && (
        <SelectField
          label={t('role')}
          hint={t('roleHint')}
          value={role}
          onChange={({ target }) => void done(giveRole({ userId: id, role: target.value as Role }))}
        >
          {[...new Set<Role>([...GIVEN, role])].map((each) => (
            <option key={each} value={each}>
              {t(each as Exclude<Role, 'GUEST'>)}
            </option>
          ))}
        </SelectField>
      )}
      <div className={styles.buttons}>
        {suspension ? (
          <Button onClick={() => void lift()}>{t('lift')}</Button>
        ) : (
          <Button look="danger" onClick={() => setSuspends(true)}>
            {t('suspend')}
          </Button>
        )}
        <Button onClick={() => void signOut()}>{t('disconnect')}</Button>
        <Button aria-expanded={showsConnections} onClick={() => setShowsConnections(!showsConnections)}>
          {t('connections')}
        </Button>
        {role !== 'GUEST' && <Button onClick={() => setRemovesFactor(true)}>{t('removeFactor')}</Button>}
        <Link to={paths.auditOf(id)} className={buttonClass('plain')}>
          {t('audit')}
        </Link>
      </div>
      {showsConnections && <Connections userId={id} />}
      {removesFactor && <RemoveFactorDialog id={id} name={name} onClose={() => setRemovesFactor(false)} />}
      {suspends && <SuspendDialog id={id} name={name} onClose={() => setSuspends(false)} />}
    </>
  );
};

/** What administrators do with an account. */
const Administration = ({ person }: { readonly person: Person }) => {
  const t = useTexts(administrationTexts);
  const heading = useId();
  const answer = useQuery({ query: ReadAdministered, variables: { id: person.id }, requestPolicy: 'cache-and-network' });
  return (
    <section className={styles.form} aria-labelledby={heading}>
      <h2 id={heading}>{t('title')}</h2>
      <Answer of={answer}>{({ user }) => user && <Acts person={person} of={readFragment(Administered, user)} />}</Answer>
    </section>
  );
};

export default Administration;
