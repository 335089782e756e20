/** The number of a group's members by owner. Nearly every group has a single owner, for whom no map is created. */
export class Owners {
  #first = '';
  #ofFirst = 0;
  #others: Map<string, number> | null = null;

  add(owner: string): void {
    if (this.#ofFirst === 0 && this.#others?.has(owner) !== true) this.#first = owner;
    if (this.#first === owner) this.#ofFirst += 1;
    else (this.#others ??= new Map<string, number>()).set(owner, (this.#others.get(owner) ?? 0) + 1);
  }

  delete(owner: string): void {
    const left = this.#others?.get(owner);
    if (left === undefined) this.#ofFirst -= 1;
    else if (left > 1) this.#others?.set(owner, left - 1);
    else this.#others?.delete(owner);
  }

  has(owner: string): boolean {
    return (this.#ofFirst > 0 && this.#first === owner) || this.#others?.has(owner) === true;
  }

  /** Whether all members are one owner's. */
  isOne(): boolean {
    return (this.#ofFirst > 0 ? 1 : 0) + (this.#others?.size ?? 0) === 1;
  }
}
