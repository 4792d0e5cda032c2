import { takesFailed } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import type { ConfirmChannel } from 'amqplib';
import type { Posting } from '../broker.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { AmqpLink } from './amqp-link.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConfirmWindow, type ConfirmWindowOptions } from './confirm-window.ts';
import { declareTopology } from './declare-topology.ts';

export interface SideChannelOptions extends ConfirmWindowOptions {
  link: AmqpLink;
  /** The topology of this moment. */
  plan(): TopologyPlan;
  logger: Logger;
  /** The broker or the connection has ended the channel. */
  onLost(reason: string): void;
}

/**
 * Where messages go that are no events: those that failed, on their way to a delay or to the dead letters.
 *
 * They must not share a channel with events. When a stream gets another leader, RabbitMQ before 4.0 sends it what is unconfirmed anew,
 * numbered as the channel counts instead of as the stream does. Each earlier message of the channel that was not for the stream puts the
 * two apart by one, and so many later events the stream takes for repetitions: it confirms them, and drops them
 * (rabbitmq-server#12236). On a channel whose every message is for the stream the numbers are the same.
 */
export class SideChannel {
  readonly #window: ConfirmWindow;
  readonly #keeper: ChannelKeeper<ConfirmChannel>;

  constructor({ link, plan, logger, onLost, ...limits }: SideChannelOptions) {
    this.#window = new ConfirmWindow({ ...limits, onStale: () => void this.#keeper.replace() });
    this.#keeper = new ChannelKeeper({
      link,
      name: 'move',
      logger,
      create: (model) => model.createConfirmChannel(),
      // What is refused of it the publisher's declaration reports.
      setUp: async (_, model) => void (await declareTopology(model, forFailed(plan()))),
      onOpened: (channel) => this.#window.attach(channel),
      onLost: (channel, reason) => {
        onLost(reason);
        this.#window.detach(channel, reason);
      },
    });
    void this.#keeper.start();
  }

  get waiting(): number {
    return this.#window.waiting;
  }

  get unconfirmed(): number {
    return this.#window.unconfirmed;
  }

  add(posting: Posting): void {
    this.#window.add(posting);
  }

  pause(paused: boolean): void {
    this.#window.pause(paused);
  }

  flushed(): Promise<void> {
    return this.#window.flushed();
  }

  /** Settles everything. Its channel closes with the connection. */
  close(): void {
    this.#window.close();
    void this.#keeper.close();
  }
}

/** The part of a plan that takes messages that failed. */
function forFailed({ exchanges, queues, bindings }: TopologyPlan): TopologyPlan {
  const own = bindings.filter(({ exchange }) => takesFailed(exchange));
  const names = new Set(own.map(({ queue }) => queue));
  return {
    exchanges: exchanges.filter(({ name }) => takesFailed(name)),
    queues: queues.filter(({ name }) => names.has(name)),
    bindings: own,
  };
}
