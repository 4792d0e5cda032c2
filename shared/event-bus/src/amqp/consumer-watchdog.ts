import type { ChannelEpoch } from './channel-epoch.ts';

export interface ConsumerWatchdogOptions {
  queue: string;
  epoch: ChannelEpoch;
  /** False while it is without a consumer on purpose. */
  consumes(): boolean;
  checkMs: number;
  renewMs: number;
  /** The broker has no consumer for the queue, or does not deliver its waiting messages. */
  onUnserved(reason: string): void;
  /** Nothing was delivered or settled for `renewMs`, and no delivery is unsettled. */
  onIdle(): void;
}

/**
 * Checks a consumer that its own connection considers alive.
 *
 * | seen | means | then |
 * |---|---|---|
 * | no consumer on the queue | ours is lost | unserved |
 * | messages wait in two consecutive checks, nothing was delivered, nothing is unsettled | the broker does not deliver to ours | unserved |
 * | nothing was delivered for `renewMs`, nothing is unsettled | no events, or a ghost: if a queue is deleted and redeclared at once, the broker keeps and counts the old consumer, and holds messages it never delivers as unacknowledged; AMQP does not reveal this | idle |
 *
 * Closing a channel requeues what a ghost holds, so an idle consumer is renewed, which costs a few frames.
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
    // Read before the request: the answer reflects the channel's state at the time of the request.
    const consumes = this.#options.consumes();
    // If the queue is gone, the channel closes and its keeper opens another.
    const counted = await epoch.channel.checkQueue(queue).catch(() => undefined);
    this.#checking = false;
    if (!counted || this.#stopped || !epoch.alive) return;
    const idleMs = epoch.unsettled > 0 ? 0 : performance.now() - epoch.activeAt;
    this.#passedOver = counted.messageCount > 0 && idleMs >= checkMs ? this.#passedOver + 1 : 0;
    if (consumes && counted.consumerCount === 0) this.#end(() => onUnserved('the broker counts no consumer'));
    else if (this.#passedOver >= 2) this.#end(() => onUnserved(`${counted.messageCount} messages wait`));
    else if (idleMs >= renewMs) this.#end(onIdle);
  }

  #end(report: () => void): void {
    this.stop();
    report();
  }
}
