import type { Alerts } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import { busAlerts } from '../bus-alerts.ts';
import { explainDeclareFailure } from './connection-failure.ts';
import { takeSteps } from './declare-topology.ts';

/** What the broker counts in a queue. */
export interface QueueCount {
  messageCount: number;
  consumerCount: number;
}

export interface QueueWatchOptions {
  /** The connection to ask on; undefined while there is none, or while the topology is not declared. */
  model(): ChannelModel | undefined;
  /** Queues that somebody should consume. */
  attended(): readonly string[];
  /** Queues that were declared here, and that the broker has accepted. */
  declared(): readonly string[];
  alerts: Alerts;
  /** Tells what was counted in an attended queue; undefined when there is no such queue. */
  onCount(queue: string, count: QueueCount | undefined): void;
}

interface Seen {
  /** Looks in a row that found messages and no consumer, or, for one that was gone, the queue there again. */
  unattended: number;
  back: number;
  /** How many looks pass a queue over that does not exist: each costs a channel, and a line in the broker's log. */
  passOver: number;
  missing: number;
}

const LOOKS_UNTIL_REPORTED = 2;
const LOOKS_UNTIL_BACK = 3;
const MOST_PASSED_OVER = 19;

/**
 * Looks at queues when asked to: whether messages wait in one that nobody consumes, and whether those that were declared still exist.
 * AMQP tells the depth and the consumers of a queue by its name alone.
 */
export class QueueWatch {
  readonly #options: QueueWatchOptions;
  readonly #seen = new Map<string, Seen>();
  #looking: Promise<boolean> | undefined;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
  }

  /** Looks at each queue once. @returns whether declared queues were not there any more; what an earlier call finds that is still at it */
  look(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    const model = this.#options.model();
    if (!model) return false;
    const gone: string[] = [];
    const names = new Set([...this.#options.declared(), ...this.#options.attended()]);
    let due = [...names].filter((queue) => this.#isDue(queue));
    // A connection that is lost meanwhile says nothing about the queues.
    while (due.length > 0) due = await this.#count(model, due, gone).catch(() => []);
    if (gone.length === 0 || this.#options.model() !== model) return false;
    this.#gone(gone);
    return true;
  }

  /** Counts up to the first queue that is not there; the rest of them. */
  async #count(model: ChannelModel, queues: readonly string[], gone: string[]): Promise<string[]> {
    const steps = queues.map((queue) => ({
      subject: queue,
      declare: async (channel: Channel) => this.#counted(queue, await channel.checkQueue(queue)),
    }));
    const { accepted, error } = await takeSteps(model, steps);
    const missing = queues[accepted];
    // A queue whose leader is away is not missing.
    if (missing !== undefined && explainDeclareFailure(error).code === 'TOPOLOGY_REFUSED') this.#missing(missing, gone);
    return queues.slice(accepted + 1);
  }

  #counted(queue: string, count: QueueCount): void {
    const { alerts, onCount, attended } = this.#options;
    const seen = this.#stateOf(queue);
    seen.missing = 0;
    seen.back += 1;
    if (seen.back >= LOOKS_UNTIL_BACK) alerts.clear(busAlerts.QUEUE_GONE, queue);
    if (!attended().includes(queue)) return;
    onCount(queue, count);
    const { messageCount, consumerCount } = count;
    seen.unattended = messageCount > 0 && consumerCount === 0 ? seen.unattended + 1 : 0;
    if (seen.unattended === 0) alerts.clear(busAlerts.QUEUE_WITHOUT_CONSUMER, queue);
    if (seen.unattended < LOOKS_UNTIL_REPORTED) return;
    const reason = `${messageCount} messages wait in ${queue}, and it has no consumer`;
    alerts.raise(busAlerts.QUEUE_WITHOUT_CONSUMER, { subject: queue, reason });
  }

  #missing(queue: string, gone: string[]): void {
    const { declared, alerts, onCount } = this.#options;
    const seen = this.#stateOf(queue);
    seen.unattended = 0;
    seen.back = 0;
    seen.missing += 1;
    seen.passOver = Math.min(2 ** seen.missing - 1, MOST_PASSED_OVER);
    alerts.clear(busAlerts.QUEUE_WITHOUT_CONSUMER, queue);
    onCount(queue, undefined);
    if (!declared().includes(queue)) return;
    seen.passOver = 0;
    gone.push(queue);
  }

  #gone(queues: readonly string[]): void {
    const { alerts } = this.#options;
    const reason = 'it did not exist any more when it was looked at';
    for (const queue of queues) alerts.raise(busAlerts.QUEUE_GONE, { subject: queue, reason });
  }

  #isDue(queue: string): boolean {
    const seen = this.#stateOf(queue);
    if (seen.passOver === 0) return true;
    seen.passOver -= 1;
    return false;
  }

  #stateOf(queue: string): Seen {
    const seen = this.#seen.get(queue) ?? { unattended: 0, back: 0, passOver: 0, missing: 0 };
    this.#seen.set(queue, seen);
    return seen;
  }
}
