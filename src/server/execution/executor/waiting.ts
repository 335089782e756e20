import { locatedError, responsePathAsArray, type GraphQLError, type ResponsePath } from 'graphql';
import type { FieldPlan } from './plan.js';

/*
 * The parts of a result that are not there yet. graphql-js makes a promise for each object and list around a field that waits; here each field that
 * waits has one, and counts itself off from the object or list around it when its value has come.
 */

/** What ends an execution, or one root field of a mutation. */
export interface Outcome {
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/** Objects and lists of a result, by what their fields and items are called. */
type Container = Record<string | number, unknown>;

/** Where in the result a value is to stand, and what happens when it fails. */
interface Place {
  readonly around: Waiting;
  readonly container: Container;
  readonly key: string | number;
  readonly field: FieldPlan;
  readonly path: ResponsePath;
  readonly isNonNull: boolean;
}

/** A value of the result that is not there yet, or an object or a list in which one is missing. */
export class Waiting {
  /** Of an object or a list, how many of its values are missing. */
  private missing = 0;
  /** An error that ends it as soon as its missing values are there, because graphql-js waits for them. */
  private failure: { readonly error: unknown } | null = null;
  /** An error has taken its place in the result, so nothing below it matters any more. */
  private isOver = false;
  private place: Place | null = null;
  private outcome: Outcome | null = null;

  private readonly errors: GraphQLError[];
  private readonly value: unknown;

  /**
   * @param errors of the execution
   * @param value the object or the list; left out for a value that a promise gives
   */
  constructor(errors: GraphQLError[], value?: unknown) {
    this.errors = errors;
    this.value = value;
  }

  /** Waits for a value of this object or list. */
  for(value: Waiting, key: string | number, field: FieldPlan, path: ResponsePath, isNonNull: boolean): void {
    this.missing += 1;
    value.place = { around: this, container: this.value as Container, key, field, path, isNonNull };
  }

  /** Tells the outcome of a value that stands in nothing else. */
  tell(outcome: Outcome): void {
    this.outcome = outcome;
  }

  /** Ends with this error, but not before the values that it waits for. */
  failLater(error: unknown): this {
    this.failure = { error };
    return this;
  }

  /** Forgets what it waits for. */
  abandon(): void {
    this.isOver = true;
  }

  /** Goes on with a value that has come. @param complete makes of it what stands in the result */
  resume(complete: () => unknown): void {
    if (this.isCut()) return;
    let value: unknown;
    try {
      value = complete();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (value instanceof Waiting) {
      value.place = this.place;
      value.outcome = this.outcome;
    } else this.deliver(value);
  }

  /** Has failed: becomes null if its type allows that, and else ends what is around it. */
  fail(error: unknown): void {
    if (this.place === null) {
      this.outcome?.failed(error);
      return;
    }
    if (this.isCut()) return;
    const { around, field, path, isNonNull } = this.place;
    const located = locatedError(error, field.nodes, responsePathAsArray(path));
    if (isNonNull) around.lose(located);
    else {
      this.errors.push(located);
      this.deliver(null);
    }
  }

  private deliver(value: unknown): void {
    if (this.place === null) {
      this.outcome?.done(value);
      return;
    }
    const { around, container, key } = this.place;
    container[key] = value;
    around.missing -= 1;
    if (around.missing > 0) return;
    if (around.failure === null) around.deliver(around.value);
    else around.fail(around.failure.error);
  }

  /** A value that must not be null has failed. */
  private lose(error: unknown): void {
    this.isOver = true;
    this.fail(this.failure === null ? error : this.failure.error);
  }

  /** Whether null has taken the place of something around it. */
  private isCut(): boolean {
    for (let each = this.place?.around; each !== undefined; each = each.place?.around) if (each.isOver) return true;
    return false;
  }
}
