/** A queue of values with constant time at both ends, whatever its length. */
export class Fifo<Value> {
  #values: (Value | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#values.length - this.#head;
  }

  push(value: Value): void {
    this.#values.push(value);
  }

  /** Returns the oldest value without removing it. */
  peek(): Value | undefined {
    return this.#values[this.#head];
  }

  shift(): Value | undefined {
    if (this.#head === this.#values.length) return undefined;
    const value = this.#values[this.#head];
    this.#values[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#values.length) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#values.length) this.#compact();
    return value;
  }

  /** Removes and returns up to `count` of the oldest values. */
  take(count: number): Value[] {
    const taken: Value[] = [];
    while (taken.length < count && this.length > 0) taken.push(this.shift() as Value);
    return taken;
  }

  clear(): void {
    this.#values = [];
    this.#head = 0;
  }

  #compact(): void {
    this.#values = this.#values.slice(this.#head);
    this.#head = 0;
  }
}
