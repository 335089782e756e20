import type { Timeline } from './timeline.js';

/** A log that writers write to and readers follow. */
export interface LogStream {
  /** For the report, such as `room 1`. */
  readonly name: string;
  readonly topic: 'conversation' | 'comments';
  /** Its key in the database. */
  readonly key: string;
  /** The global id of what it is about. */
  readonly id: string;
}

/** One event, as whoever read it tells of it. */
export interface Entry {
  readonly seq: number;
  readonly kind: string;
  /** The uuid of the message or comment that it is about. */
  readonly subject: string;
}

/** What a writer was told has been done. */
export interface Acknowledged {
  readonly stream: LogStream;
  readonly kind: string;
  readonly subject: string;
  readonly by: string;
  readonly at: number;
}

/** Something that must not be, in one line. */
export interface Finding {
  /**
   * `lost`: acknowledged and not in the log. `missed`: in the log and not delivered. `twice`, `disorder` (before or without what precedes it): delivered so. `phantom`: delivered, and
   * not in the log. `answer`: an answer or an end that PROTOCOL.md does not allow. `process`: a server that ended or did not come back.
   */
  readonly kind: 'lost' | 'missed' | 'twice' | 'disorder' | 'phantom' | 'answer' | 'process';
  readonly text: string;
}

/** What a reader holds to be in its log: the list that it read, and what it was told since. */
export interface View {
  readonly reader: string;
  readonly stream: LogStream;
  /** The list was read anew: all there is up to now. */
  readonly list: (entries: readonly Entry[]) => void;
  /** The subscription begins again at the end of the list, as that of a stock client: what it has told comes once more. */
  readonly rewind: () => void;
  /** The subscription begins from now: what came before its first event is not known. */
  readonly skip: () => void;
  readonly take: (entry: Entry) => void;
  /** The last seq that it knows of. */
  readonly last: () => number;
}

/** Everything acknowledged and everything delivered; it finds what does not agree. */
export interface Ledger {
  readonly acknowledge: (write: Omit<Acknowledged, 'at'>) => void;
  readonly open: (reader: string, stream: LogStream) => View;
  readonly find: (kind: Finding['kind'], text: string) => void;
  /**
   * What is acknowledged from now on until what it returns is called may be gone later, since the database will be set back to this moment:
   * nobody can be blamed for it.
   */
  readonly setBack: () => () => void;
  /** Whether the database has been set back between two times. */
  readonly setBackBetween: (from: number, to: number) => boolean;
  /** Whether what was acknowledged at a time may be gone. */
  readonly mayBeGone: (at: number) => boolean;
  /** Compares everything with what is in the log in the end. */
  readonly judge: (truth: (stream: LogStream) => Promise<readonly Entry[]>) => Promise<void>;
  readonly findings: () => readonly Finding[];
  readonly counts: () => { readonly acknowledged: number; readonly delivered: number; readonly readers: number };
}

interface ViewState {
  readonly view: View;
  readonly listed: () => readonly Entry[];
  readonly told: () => readonly Entry[];
  /** Whether it knows what its log began with. */
  readonly isWhole: () => boolean;
}

const describe = ({ seq, kind, subject }: Entry): string => `${seq} (${kind} ${subject})`;
const isSame = (one: Entry, other: Entry): boolean => one.kind === other.kind && one.subject === other.subject;
const keyOf = ({ kind, subject }: Pick<Entry, 'kind' | 'subject'>): string => `${kind} ${subject}`;

export const createLedger = (timeline: Timeline): Ledger => {
  const findings: Finding[] = [];
  const writes: Acknowledged[] = [];
  const gone: { readonly from: number; to: number }[] = [];
  const views: ViewState[] = [];
  let delivered = 0;

  const find: Ledger['find'] = (kind, text) =>
    void findings.push({ kind, text: `${text}, at ${seconds(timeline.now())} ${timeline.at(timeline.now())}` });
  const mayBeGone = (at: number): boolean => gone.some(({ from, to }) => from <= at && at <= to);

  const open = (reader: string, stream: LogStream): View => {
    let listed: readonly Entry[] = [];
    let told: Entry[] = [];
    let isWhole = true;
    const last = (): number => told.at(-1)?.seq ?? listed.at(-1)?.seq ?? 0;
    const view: View = {
      reader,
      stream,
      last,
      list: (entries) => ([listed, told, isWhole] = [entries, [], true]),
      rewind: () => (told = []),
      skip: () => ([listed, told, isWhole] = [[], [], false]),
      take: (entry) => {
        delivered += 1;
        const name = `${reader} got ${describe(entry)} of ${stream.name}`;
        const isFirst = !isWhole && told.length === 0;
        if (!isFirst && entry.seq <= last()) {
          const isKnown = [...listed, ...told].some(({ seq }) => seq === entry.seq);
          find(isKnown ? 'twice' : 'disorder', isKnown ? `${name} twice` : `${name} after ${last()}`);
          return;
        }
        if (!isFirst && entry.seq > last() + 1) find('disorder', `${name} right after ${last()}`);
        told.push(entry);
      },
    };
    views.push({ view, listed: () => listed, told: () => told, isWhole: () => isWhole });
    return view;
  };

  const judgeWrites = (stream: LogStream, truth: readonly Entry[]): void => {
    const times = new Map<string, number>();
    for (const entry of truth) times.set(keyOf(entry), (times.get(keyOf(entry)) ?? 0) + 1);
    for (const write of writes) {
      if (write.stream !== stream) continue;
      const count = times.get(keyOf(write)) ?? 0;
      const text = `${keyOf(write)} of ${stream.name}, acknowledged to ${write.by} at ${seconds(write.at)} ${timeline.at(write.at)}`;
      if (count > 1) findings.push({ kind: 'twice', text: `${text}, is ${count} times in the log` });
      if (count === 0 && !mayBeGone(write.at)) findings.push({ kind: 'lost', text: `${text}, is not in the log` });
    }
  };

  const judgeView = ({ view, listed, told, isWhole }: ViewState, truth: readonly Entry[]): void => {
    const held: readonly Entry[] = [...listed(), ...told()];
    const from = isWhole() ? 0 : (held[0]?.seq ?? Infinity);
    const bySeq = new Map(held.map((entry) => [entry.seq, entry]));
    const acknowledged = new Map(writes.filter(({ stream }) => stream === view.stream).map((write) => [keyOf(write), write]));
    for (const entry of truth) {
      if (entry.seq < from) continue;
      const found = bySeq.get(entry.seq);
      bySeq.delete(entry.seq);
      if (found !== undefined && isSame(found, entry)) continue;
      const write = acknowledged.get(keyOf(entry));
      const story = write ? `, acknowledged to ${write.by} at ${seconds(write.at)} ${timeline.at(write.at)}` : ', never acknowledged';
      if (found === undefined)
        findings.push({ kind: 'missed', text: `${view.reader} never got ${describe(entry)} of ${view.stream.name}${story}` });
      else
        findings.push({
          kind: 'phantom',
          text: `${view.reader} holds ${describe(found)} of ${view.stream.name}, where ${describe(entry)} is${story}`,
        });
    }
    for (const entry of bySeq.values()) {
      findings.push({ kind: 'phantom', text: `${view.reader} holds ${describe(entry)} of ${view.stream.name}, which the log does not` });
    }
    if (!isWhole() && held.length === 0 && truth.length > 0) {
      findings.push({ kind: 'missed', text: `${view.reader} has followed ${view.stream.name} in the end and got nothing` });
    }
  };

  return {
    acknowledge: (write) => void writes.push({ ...write, at: timeline.now() }),
    open,
    find,
    setBack: () => {
      const window = { from: timeline.now(), to: Infinity };
      gone.push(window);
      return () => {
        window.to = timeline.now();
      };
    },
    setBackBetween: (from, to) => gone.some((past) => from <= past.to && past.from <= to),
    mayBeGone,
    judge: async (truth) => {
      const streams = new Set(views.map(({ view }) => view.stream));
      for (const stream of streams) {
        const entries = await truth(stream);
        judgeWrites(stream, entries);
        for (const state of views) if (state.view.stream === stream) judgeView(state, entries);
      }
    },
    findings: () => findings,
    counts: () => ({ acknowledged: writes.length, delivered, readers: views.length }),
  };
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
