import type { Alerts } from '@warren/kernel';
import { Lane, type LaneOptions, type ParkedEvent } from './lane.ts';
import { relayAlerts } from './relay-alerts.ts';

/** Longest pauses, as multiples of `retryMs`: for a kind of events, and for events that are refused individually. */
const LONGEST_PAUSES = 30;
const LONGEST_PAUSES_ALONE = 600;
/** How many individually refused events are tried at once. */
const PROBES_ALONE = 100;

/** The first parked event of each stream: one lane per kind, and one lane for events that are refused individually. */
export class Lanes {
  readonly #byKind = new Map<string, Lane>();
  readonly #perKind: LaneOptions;
  readonly #alone: Lane;
  /** Number of individually refused events, by kind. */
  readonly #aloneOf = new Map<string, number>();
  readonly #alerts: Alerts;
  #closed = false;

  constructor(retryMs: number, alerts: Alerts) {
    this.#perKind = { retryMs, longestMs: retryMs * LONGEST_PAUSES, probes: 1 };
    this.#alone = new Lane({ retryMs, longestMs: retryMs * LONGEST_PAUSES_ALONE, probes: PROBES_ALONE });
    this.#alerts = alerts;
  }

  refusalOf(kind: string): string | undefined {
    return this.#byKind.get(kind)?.refusal;
  }

  /** Returns the refused kinds with their reasons. */
  refusals(): Record<string, string> {
    const refused = [...this.#byKind].flatMap(([kind, { refusal }]) =>
      refusal === undefined ? [] : [[kind, refusal]],
    );
    return Object.fromEntries(refused);
  }

  /** @param refusal reason for which a new lane counts as refused until one of its events is tried */
  enter(event: ParkedEvent, refusal?: string): void {
    const lane = this.#byKind.get(event.kind) ?? new Lane(this.#perKind, refusal);
    this.#byKind.set(event.kind, lane);
    lane.add(event);
  }

  leave(event: ParkedEvent): void {
    const { lane, kind } = event;
    lane?.remove(event);
    if (lane === this.#alone) this.#countAlone(kind, -1);
    else if (lane?.size === 0) this.#byKind.delete(kind);
  }

  /** Moves an event to the individually refused ones, or reports it again. */
  single(event: ParkedEvent, reason: string): void {
    if (!this.#closed) this.#alerts.raise(relayAlerts.EVENT_UNPUBLISHABLE, { subject: event.kind, reason });
    if (event.lane === this.#alone) return;
    this.leave(event);
    this.#alone.add(event);
    this.#countAlone(event.kind, 1);
    if (this.#alone.refusal === undefined) this.#alone.refuse(reason);
  }

  /** Returns the lanes that are due. */
  due(): Lane[] {
    return [...this.#byKind.values(), this.#alone].filter((lane) => lane.isDue());
  }

  isAlone(lane: Lane): boolean {
    return lane === this.#alone;
  }

  hurry(): void {
    for (const lane of [...this.#byKind.values(), this.#alone]) lane.hurry();
  }

  /** Clears the alerts and raises no more: another process is responsible. */
  close(): void {
    this.#closed = true;
    for (const kind of this.#aloneOf.keys()) this.#alerts.clear(relayAlerts.EVENT_UNPUBLISHABLE, kind);
  }

  #countAlone(kind: string, change: number): void {
    const count = (this.#aloneOf.get(kind) ?? 0) + change;
    if (count > 0) this.#aloneOf.set(kind, count);
    else {
      this.#aloneOf.delete(kind);
      this.#alerts.clear(relayAlerts.EVENT_UNPUBLISHABLE, kind);
    }
  }
}
