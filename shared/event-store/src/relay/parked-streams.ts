import type { ParkedEvent } from './lane.ts';

/** The parked events of each stream, in order. */
export class ParkedStreams {
  readonly #lines = new Map<string, ParkedEvent[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  holds(streamId: string): boolean {
    return this.#lines.has(streamId);
  }

  has(streamId: string, position: number): boolean {
    const line = this.#lines.get(streamId);
    return line?.[placeOf(position, line)]?.position === position;
  }

  /** Returns the event to be published first. */
  firstOf(streamId: string): ParkedEvent | undefined {
    return this.#lines.get(streamId)?.[0];
  }

  /** Inserts an event by its position: after a restart an earlier event may come again. */
  add(event: ParkedEvent): void {
    const line = this.#lines.get(event.streamId);
    this.#size += 1;
    if (!line) this.#lines.set(event.streamId, [event]);
    else line.splice(placeOf(event.position, line), 0, event);
  }

  remove({ streamId, position }: ParkedEvent): void {
    const line = this.#lines.get(streamId);
    if (!line) return;
    line.splice(placeOf(position, line), 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(streamId);
  }
}

/** Returns the index of the first event that is not before this position. */
function placeOf(position: number, line: readonly ParkedEvent[]): number {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle]?.position ?? position) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
