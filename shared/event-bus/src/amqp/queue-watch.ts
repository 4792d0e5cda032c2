import type { Alerts } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import { busAlerts } from '../bus-alerts.ts';
import { explainDeclareFailure } from './connection-failure.ts';
import { runSteps } from './declare-topology.ts';

/** The broker's counts of a queue. */
export interface QueueCount {
  messageCount: number;
  consumerCount: number;
}

export interface QueueWatchOptions {
  /** The connection to use; undefined while there is none, or while the topology is not declared. */
  model(): ChannelModel | undefined;
  /** Queues that should have a consumer. */
  monitored(): readonly string[];
  /** Queues declared here and accepted by the broker. */
  declared(): readonly string[];
  alerts: Alerts;
  /** Called with the counts of a monitored queue; undefined when the queue does not exist. */
  onCount(queue: string, count: QueueCount | undefined): void;
}

interface Seen {
  /** Consecutive checks that found messages without a consumer (`unconsumed`) or a missing queue restored (`back`). */
  unconsumed: number;
  back: number;
  /** How many checks skip a queue that does not exist: each costs a channel and a line in the broker's log. */
  skip: number;
  missing: number;
}

const CHECKS_UNTIL_REPORTED = 2;
const CHECKS_UNTIL_BACK = 3;
const MOST_SKIPPED = 19;

/**
 * Checks queues on request: whether messages wait in a queue without consumers, and whether declared queues still exist. AMQP reveals the
 * depth and consumers of a queue by its name alone.
 */
export class QueueWatch {
  readonly #options: QueueWatchOptions;
  readonly #seen = new Map<string, Seen>();
  #checking: Promise<boolean> | undefined;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
  }

  /** Checks each queue once. @returns whether declared queues were missing; joins a check that is still running */
  check(): Promise<boolean> {
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #checkAll(): Promise<boolean> {
    const model = this.#options.model();
    if (!model) return false;
    const gone: string[] = [];
    const names = new Set([...this.#options.declared(), ...this.#options.monitored()]);
    let due = [...names].filter((queue) => this.#isDue(queue));
    // A connection lost meanwhile says nothing about the queues.
    while (due.length > 0) due = await this.#count(model, due, gone).catch(() => []);
    if (gone.length === 0 || this.#options.model() !== model) return false;
    this.#gone(gone);
    return true;
  }

  /** Counts up to the first missing queue; returns the queues after it. */
  async #count(model: ChannelModel, queues: readonly string[], gone: string[]): Promise<string[]> {
    const steps = queues.map((queue) => ({
      subject: queue,
      declare: async (channel: Channel) => this.#counted(queue, await channel.checkQueue(queue)),
    }));
    const { accepted, error } = await runSteps(model, steps);
    const missing = queues[accepted];
    // A queue whose leader is away is not missing.
    if (missing !== undefined && explainDeclareFailure(error).code === 'TOPOLOGY_REFUSED') this.#missing(missing, gone);
    return queues.slice(accepted + 1);
  }

  #counted(queue: string, count: QueueCount): void {
    const { alerts, onCount, monitored } = this.#options;
    const seen = this.#stateOf(queue);
    seen.missing = 0;
    seen.back += 1;
    if (seen.back >= CHECKS_UNTIL_BACK) alerts.clear(busAlerts.QUEUE_GONE, queue);
    if (!monitored().includes(queue)) return;
    onCount(queue, count);
    const { messageCount, consumerCount } = count;
    seen.unconsumed = messageCount > 0 && consumerCount === 0 ? seen.unconsumed + 1 : 0;
    if (seen.unconsumed === 0) alerts.clear(busAlerts.QUEUE_WITHOUT_CONSUMER, queue);
    if (seen.unconsumed < CHECKS_UNTIL_REPORTED) return;
    const reason = `${messageCount} messages wait in ${queue}, and it has no consumer`;
    alerts.raise(busAlerts.QUEUE_WITHOUT_CONSUMER, { subject: queue, reason });
  }

  #missing(queue: string, gone: string[]): void {
    const { declared, alerts, onCount } = this.#options;
    const seen = this.#stateOf(queue);
    seen.unconsumed = 0;
    seen.back = 0;
    seen.missing += 1;
    seen.skip = Math.min(2 ** seen.missing - 1, MOST_SKIPPED);
    alerts.clear(busAlerts.QUEUE_WITHOUT_CONSUMER, queue);
    onCount(queue, undefined);
    if (!declared().includes(queue)) return;
    seen.skip = 0;
    gone.push(queue);
  }

  #gone(queues: readonly string[]): void {
    const { alerts } = this.#options;
    const reason = 'the queue no longer existed when it was checked';
    for (const queue of queues) alerts.raise(busAlerts.QUEUE_GONE, { subject: queue, reason });
  }

  #isDue(queue: string): boolean {
    const seen = this.#stateOf(queue);
    if (seen.skip === 0) return true;
    seen.skip -= 1;
    return false;
  }

  #stateOf(queue: string): Seen {
    const seen = this.#seen.get(queue) ?? { unconsumed: 0, back: 0, skip: 0, missing: 0 };
    this.#seen.set(queue, seen);
    return seen;
  }
}
