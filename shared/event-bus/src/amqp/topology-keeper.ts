import type { AlertKind, Alerts, Logger } from '@warren/kernel';
import type { ChannelModel } from 'amqplib';
import type { PendingMessage } from '../broker.ts';
import { busAlerts } from '../bus-alerts.ts';
import { busErrors } from '../bus-errors.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { AmqpLink } from './amqp-link.ts';
import { brokerMessage } from './connection-failure.ts';
import { checkWriteRight, type Declared, declareTopology, type Refusal } from './declare-topology.ts';

export interface TopologyKeeperOptions {
  link: Pick<AmqpLink, 'model'>;
  /** The current topology. */
  plan(): TopologyPlan;
  alerts: Alerts;
  logger: Logger;
}

/** `lasts` turns false once the refusal seems to be over. If another publish is refused soon after, the pause grows. */
interface Unwritable {
  refusal: Refusal;
  lasts: boolean;
  /** Until then, as `performance.now()`, the refusal is not checked again. */
  until: number;
  pauseMs: number;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Declares the topology and tracks what the broker refuses. Retries with growing pauses until nothing is refused. Meanwhile nothing is
 * published to a refused exchange, and everything else continues.
 */
export class TopologyKeeper {
  readonly #options: TopologyKeeperOptions;
  readonly #refusals = new Map<string, Refusal>();
  /** Exchanges that the login may not publish to. */
  readonly #unwritable = new Map<string, Unwritable>();
  /** Refused exchanges with at least one waiting message that must not be lost. */
  readonly #needed = new Set<string>();
  #essential: TopologyPlan['essential'];
  #foreign = '';
  #running: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;

  constructor(options: TopologyKeeperOptions) {
    this.#options = options;
  }

  /** Refusals by subject: `{ 'exchange system': 'PRECONDITION_FAILED …' }`. */
  get refused(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#refusals.values()].map(({ subject, error }) => [subject, error.message]));
  }

  /** The first refused exchange that the service cannot work without. */
  get blockingRefusal(): Refusal | undefined {
    return [...this.#refusals.values()].find((refusal) => isExchange(refusal) && this.#isEssential(refusal));
  }

  /** The first refusal, ignoring exchanges that nothing is known to need and queues that are merely not running yet. */
  get firstRefusal(): Refusal | undefined {
    return [...this.#refusals.values()].find((refusal) => {
      return !isUnavailable(refusal) && (!isExchange(refusal) || this.#isEssential(refusal));
    });
  }

  /** Declares the current topology and records refusals. @throws `BROKER_UNAVAILABLE` */
  declare(model: ChannelModel): Promise<void> {
    const declared = this.#running.then(() => this.#declare(model));
    this.#running = declared.catch(() => undefined);
    return declared;
  }

  /** Called when something declared elsewhere was refused: retries soon. */
  retrySoon(): void {
    if (!this.#timer) this.#retryLater(FIRST_PAUSE_MS);
  }

  isRefused(exchange: string): boolean {
    return this.#refusals.has(`exchange ${exchange}`);
  }

  /** Why a message must not be published now; undefined when it may. Counts the report. */
  refusalOf({ message: { exchange }, bestEffort }: PendingMessage): string | undefined {
    const refusal = this.#refusals.size === 0 ? undefined : this.#refusals.get(`exchange ${exchange}`);
    if (!refusal) return undefined;
    if (!bestEffort) this.#needed.add(exchange);
    this.#report(refusal);
    return `${refusal.subject} is refused: ${refusal.error.message}`;
  }

  /**
   * Called when the broker has closed a channel because of a publish. If the login lacks permission for the whole exchange, holds back
   * messages to it.
   */
  publishRefused(reason: string): void {
    const exchange = /access to exchange '([^']+)' in vhost/.exec(reason)?.[1];
    if (exchange === undefined) return;
    const error = busErrors.TOPOLOGY_REFUSED(brokerMessage(reason));
    const refusal: Refusal = { subject: `exchange ${exchange}`, exchange, error };
    const { pauseMs = FIRST_PAUSE_MS / 2, until = 0 } = this.#unwritable.get(exchange) ?? {};
    const now = performance.now();
    const again = now - until < 2 * LONGEST_PAUSE_MS;
    const nextMs = again ? Math.min(pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    this.#unwritable.set(exchange, { refusal, lasts: true, pauseMs: nextMs, until: now + nextMs });
    this.#refusals.set(refusal.subject, refusal);
    this.#report(refusal);
    this.retrySoon();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #declare(model: ChannelModel): Promise<void> {
    const plan = this.#options.plan();
    const declared = await declareTopology(model, plan);
    const unwritable = await this.#stillUnwritable(model);
    this.#essential = plan.essential;
    this.#note(declared, unwritable);
  }

  async #stillUnwritable(model: ChannelModel): Promise<Refusal[]> {
    const still: Refusal[] = [];
    for (const [exchange, known] of this.#unwritable) {
      if (!known.lasts) continue;
      const found = known.until > performance.now() ? known.refusal : await checkWriteRight(model, exchange);
      if (found) still.push(found);
      else known.lasts = false;
    }
    return still;
  }

  #note({ refusals, foreign }: Declared, unwritable: readonly Refusal[]): void {
    const before = [...this.#refusals.values()];
    this.#refusals.clear();
    for (const refusal of [...unwritable, ...refusals]) this.#refusals.set(refusal.subject, refusal);
    for (const refusal of before) if (!this.#refusals.has(refusal.subject)) this.#over(refusal);
    for (const refusal of this.#refusals.values()) this.#report(refusal);
    this.#noteForeign(foreign);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#refusals.size === 0) this.#pauseMs = FIRST_PAUSE_MS;
    else this.#retryLater(this.#pauseMs);
  }

  #noteForeign(foreign: readonly string[]): void {
    const names = foreign.join(', ');
    if (names !== '' && names !== this.#foreign) {
      this.#options.logger.info({ foreign }, 'this login may not declare what exists already: using it as it is');
    }
    this.#foreign = names;
  }

  #retryLater(pauseMs: number): void {
    if (this.#closed) return;
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const { model } = this.#options.link;
      // The next connection declares it anyway, and a connection lost meanwhile leads to the next one.
      if (model) this.declare(model).catch(() => undefined);
    }, pauseMs);
  }

  #report(refusal: Refusal): void {
    const { alerts } = this.#options;
    const { subject, error } = refusal;
    const kind = this.#kindOf(refusal);
    for (const other of KINDS) if (other !== kind) alerts.clear(other, subject);
    alerts.raise(kind, { subject, reason: error.message });
  }

  #over({ subject }: Refusal): void {
    for (const kind of KINDS) this.#options.alerts.clear(kind, subject);
  }

  #kindOf(refusal: Refusal): AlertKind {
    if (isUnavailable(refusal)) return busAlerts.QUEUE_UNAVAILABLE;
    return this.#isEssential(refusal) ? busAlerts.TOPOLOGY_REFUSED : busAlerts.OPTIONAL_TOPOLOGY_REFUSED;
  }

  #isEssential({ exchange = '', queue }: Refusal): boolean {
    if (queue !== undefined) return this.#essential?.queues.has(queue) ?? true;
    return this.#needed.has(exchange) || (this.#essential?.exchanges.has(exchange) ?? true);
  }
}

/** A refusal has exactly one of these kinds at a time. */
const KINDS = [busAlerts.TOPOLOGY_REFUSED, busAlerts.OPTIONAL_TOPOLOGY_REFUSED, busAlerts.QUEUE_UNAVAILABLE];

const isUnavailable = ({ error }: Refusal): boolean => error.code !== 'TOPOLOGY_REFUSED';
const isExchange = ({ queue }: Refusal): boolean => queue === undefined;
