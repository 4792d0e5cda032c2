import type { ChannelEpoch } from './channel-epoch.ts';

export interface ConsumerWatchdogOptions {
  queue: string;
  epoch: ChannelEpoch;
  /** False while it goes without a consumer on purpose. */
  consumes(): boolean;
  checkMs: number;
  renewMs: number;
  /** The broker has no consumer of the queue, or does not hand it what waits there. */
  onUnserved(reason: string): void;
  /** Nothing to do for `renewMs`, and nothing in hand. */
  onIdle(): void;
}

/**
 * Looks after a consumer that its own connection takes for alive.
 *
 * | seen | means | then |
 * |---|---|---|
 * | no consumer on the queue | ours is lost | unserved |
 * | messages wait in two checks running, none came, none is in hand | ours is not handed anything | unserved |
 * | nothing came for `renewMs`, none is in hand | no events, or a ghost: a queue deleted and declared again at once keeps the consumer, counts it, and holds what it never delivers as unacknowledged; AMQP does not show that | idle |
 *
 * A closed channel gives back what a ghost holds; so an idle consumer is made anew, which costs a few frames.
 */
export class ConsumerWatchdog {
  readonly #options: ConsumerWatchdogOptions;
  readonly #timer: NodeJS.Timeout;
  #checking = false;
  #passedOver = 0;
  #stopped = false;

  constructor(options: ConsumerWatchdogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#check(), options.checkMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    const { epoch, queue, checkMs, renewMs, onUnserved, onIdle } = this.#options;
    if (this.#checking) return;
    this.#checking = true;
    // Asked before: the answer tells what holds now, in the order of the channel, not what holds when it comes.
    const consumes = this.#options.consumes();
    // A queue that is gone closes the channel, and its keeper opens another.
    const counted = await epoch.channel.checkQueue(queue).catch(() => undefined);
    this.#checking = false;
    if (!counted || this.#stopped || !epoch.alive) return;
    const idleMs = epoch.inHand > 0 ? 0 : performance.now() - epoch.activeAt;
    this.#passedOver = counted.messageCount > 0 && idleMs >= checkMs ? this.#passedOver + 1 : 0;
    if (consumes && counted.consumerCount === 0) this.#end(() => onUnserved('no consumer is counted'));
    else if (this.#passedOver >= 2) this.#end(() => onUnserved(`${counted.messageCount} messages wait`));
    else if (idleMs >= renewMs) this.#end(onIdle);
  }

  #end(report: () => void): void {
    this.stop();
    report();
  }
}
