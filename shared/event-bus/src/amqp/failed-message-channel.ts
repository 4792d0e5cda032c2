import { takesFailed } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import type { ConfirmChannel } from 'amqplib';
import type { PendingMessage } from '../broker.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { AmqpLink } from './amqp-link.ts';
import { ChannelKeeper } from './channel-keeper.ts';
import { ConfirmWindow, type ConfirmWindowOptions } from './confirm-window.ts';
import { declareTopology } from './declare-topology.ts';

export interface FailedMessageChannelOptions extends ConfirmWindowOptions {
  link: AmqpLink;
  /** The current topology. */
  plan(): TopologyPlan;
  logger: Logger;
  /** Called when the broker or the connection has ended the channel. */
  onLost(reason: string): void;
}

/**
 * The channel for failed messages on their way to a delay queue or the dead letters.
 *
 * Failed messages must not share a channel with events. When a stream gets another leader, RabbitMQ before 4.0 resends unconfirmed messages
 * to it, numbered by the channel's count instead of the stream's. Each earlier message of the channel that was not for the stream shifts
 * the numbers by one, and the stream takes that many later events for duplicates: it confirms and drops them (rabbitmq-server#12236). On a
 * channel whose every message is for the stream, the numbers agree.
 */
export class FailedMessageChannel {
  readonly #window: ConfirmWindow;
  readonly #keeper: ChannelKeeper<ConfirmChannel>;

  constructor({ link, plan, logger, onLost, ...limits }: FailedMessageChannelOptions) {
    this.#window = new ConfirmWindow({ ...limits, onStale: () => void this.#keeper.replace() });
    this.#keeper = new ChannelKeeper({
      link,
      name: 'move',
      logger,
      create: (model) => model.createConfirmChannel(),
      // The publisher's own declaration reports refusals.
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

  add(pending: PendingMessage): void {
    this.#window.add(pending);
  }

  pause(paused: boolean): void {
    this.#window.pause(paused);
  }

  flushed(): Promise<void> {
    return this.#window.flushed();
  }

  /** Settles every message. The channel closes with its connection. */
  close(): void {
    this.#window.close();
    void this.#keeper.close();
  }
}

/** The part of a plan that handles failed messages. */
function forFailed({ exchanges, queues, bindings }: TopologyPlan): TopologyPlan {
  const own = bindings.filter(({ exchange }) => takesFailed(exchange));
  const names = new Set(own.map(({ queue }) => queue));
  return {
    exchanges: exchanges.filter(({ name }) => takesFailed(name)),
    queues: queues.filter(({ name }) => names.has(name)),
    bindings: own,
  };
}
