import {
  Counter,
  createMetricsRegistry,
  DURATION_BUCKETS,
  Gauge,
  Histogram,
  type MetricsRegistry,
} from '@warren/kernel';
import type { BrokerOutcome } from './broker.ts';
import type { BreakerState } from './consume/breaker.ts';

const BREAKER_STATES: readonly BreakerState[] = ['closed', 'half-open', 'open'];

/** The metrics of a bus. Several buses may share a registry. Labels are queues and error codes, never ids. */
export class BusMetrics {
  readonly #registry: MetricsRegistry;
  readonly published: Counter;
  readonly outcomes: Readonly<Record<BrokerOutcome['status'], Counter>>;
  readonly #consumed: Counter<'queue'>;
  readonly #retried: Counter<'queue' | 'code'>;
  readonly #deadLettered: Counter<'queue' | 'code'>;
  readonly #breakerState: Gauge<'queue'>;
  readonly #breakerOpened: Counter<'queue'>;
  readonly #handlerSeconds: Histogram<'queue'>;
  readonly #streamRead: Counter<'queue'>;
  readonly #streamSkipped: Counter<'queue' | 'code'>;
  readonly #streamGaps: Counter<'queue'>;
  readonly #streamLag: StreamLagGauge;
  readonly #queueMessages: Gauge<'queue'>;
  readonly #queueConsumers: Gauge<'queue'>;

  /** @param unconfirmed returns the current number of unconfirmed messages of this bus */
  constructor(registry: MetricsRegistry | undefined, unconfirmed: () => number) {
    this.#registry = registry ?? createMetricsRegistry('', { collectDefaults: false });
    this.#watchUnconfirmed(unconfirmed);
    this.published = this.#counter('published', 'Messages passed to the bus, including moves of failed messages', []);
    this.outcomes = {
      confirmed: this.#counter('confirmed', 'Messages confirmed by the broker', []),
      returned: this.#counter('returned', 'Messages returned as unroutable although a queue should take them', []),
      nacked: this.#counter('nacked', 'Messages rejected by a queue', []),
      unknown: this.#counter('unknown', 'Messages without a confirm: connection lost or timed out', []),
      unsendable: this.#counter(
        'unsendable',
        'Messages that AMQP cannot express, or that are too large for the broker',
        [],
      ),
    };
    this.#consumed = this.#counter('consumed', 'Messages handled and acknowledged', ['queue']);
    this.#retried = this.#counter('retried', 'Messages sent to a delay queue', ['queue', 'code']);
    this.#deadLettered = this.#counter('dead_lettered', 'Messages moved to the dead letters', ['queue', 'code']);
    this.#streamRead = this.#counter('stream_read', 'Events of a stream passed to its readers', ['queue']);
    this.#streamSkipped = this.#counter('stream_skipped', 'Messages of a stream that are not valid events', [
      'queue',
      'code',
    ]);
    this.#streamGaps = this.#counter(
      'stream_gaps',
      'How often a stream no longer had the message that its reader was to resume after',
      ['queue'],
    );
    this.#streamLag = this.#metric('warren_bus_stream_lag_seconds', (name) => new StreamLagGauge(name, this.#registry));
    this.#breakerOpened = this.#counter('breaker_opened', 'How often a queue paused because a dependency was away', [
      'queue',
    ]);
    this.#queueMessages = this.#queueGauge('messages', 'Messages ready in a queue that this service publishes to');
    this.#queueConsumers = this.#queueGauge('consumers', 'Consumers of a queue that this service publishes to');
    this.#breakerState = this.#metric('warren_bus_breaker_state', (name) => {
      const help = 'Circuit breaker of a queue: 0 closed, 1 half-open, 2 open';
      return new Gauge({ name, help, labelNames: ['queue'], registers: [this.#registry] });
    });
    this.#handlerSeconds = this.#metric('warren_bus_handler_seconds', (name) => {
      const help = 'Seconds per call of a handler or batch handler';
      return new Histogram({
        name,
        help,
        labelNames: ['queue'],
        buckets: DURATION_BUCKETS,
        registers: [this.#registry],
      });
    });
  }

  /** Records a queue's counts; undefined when the queue does not exist. */
  queueCounted(queue: string, count: { messageCount: number; consumerCount: number } | undefined): void {
    if (count) {
      this.#queueMessages.set({ queue }, count.messageCount);
      this.#queueConsumers.set({ queue }, count.consumerCount);
    } else {
      this.#queueMessages.remove({ queue });
      this.#queueConsumers.remove({ queue });
    }
  }

  /** The metrics of one subscription, with its labels looked up once. */
  forQueue(queue: string): QueueMetrics {
    return {
      consumed: this.#consumed.labels(queue),
      handlerSeconds: this.#handlerSeconds.labels(queue),
      retried: (code) => this.#retried.inc({ queue, code }),
      breaker: (state) => {
        this.#breakerState.set({ queue }, BREAKER_STATES.indexOf(state));
        if (state === 'open') this.#breakerOpened.inc({ queue });
      },
      deadLettered: (code) => this.#deadLettered.inc({ queue, code }),
    };
  }

  /** The metrics shared by all readers of one stream. */
  forStream(queue: string): StreamMetrics {
    return {
      read: this.#streamRead.labels(queue),
      gaps: this.#streamGaps.labels(queue),
      skipped: (code) => this.#streamSkipped.inc({ queue, code }),
      readers: this.#streamLag.readers,
    };
  }

  #counter<Label extends string>(what: string, help: string, labelNames: Label[]): Counter<Label> {
    return this.#metric(`warren_bus_${what}_total`, (name) => {
      return new Counter({ name, help, labelNames, registers: [this.#registry] });
    });
  }

  #queueGauge(what: string, help: string): Gauge<'queue'> {
    return this.#metric(`warren_bus_queue_${what}`, (name) => {
      return new Gauge({ name, help, labelNames: ['queue'], registers: [this.#registry] });
    });
  }

  /** If several buses share a registry, the gauge shows their sum. */
  #watchUnconfirmed(unconfirmed: () => number): void {
    this.#metric('warren_bus_unconfirmed', (name) => new UnconfirmedGauge(name, this.#registry)).sources.add(
      unconfirmed,
    );
  }

  #metric<Metric>(name: string, create: (name: string) => Metric): Metric {
    return (this.#registry.getSingleMetric(name) as Metric | undefined) ?? create(name);
  }
}

export interface QueueMetrics {
  consumed: { inc(count?: number): void };
  handlerSeconds: { observe(seconds: number): void };
  retried(code: string): void;
  deadLettered(code: string): void;
  breaker(state: BreakerState): void;
}

export interface StreamMetrics {
  read: { inc(count?: number): void };
  gaps: { inc(count?: number): void };
  skipped(code: string): void;
  /** The readers whose lag is reported. */
  readers: Set<LaggingReader>;
}

interface LaggingReader {
  readonly queue: string;
  lagSeconds(): number;
}

class UnconfirmedGauge extends Gauge {
  readonly sources = new Set<() => number>();

  constructor(name: string, registry: MetricsRegistry) {
    super({
      name,
      help: 'Messages sent and not yet confirmed',
      registers: [registry],
      collect: () => this.set([...this.sources].reduce((sum, source) => sum + source(), 0)),
    });
  }
}

/** If a stream has several readers, the gauge shows the one farthest behind. */
class StreamLagGauge extends Gauge<'queue'> {
  readonly readers = new Set<LaggingReader>();

  constructor(name: string, registry: MetricsRegistry) {
    super({
      name,
      help: 'Age of the oldest message of a stream that its reader has received and not finished; 0 when there is none',
      labelNames: ['queue'],
      registers: [registry],
      collect: () => {
        this.reset();
        const lags = new Map<string, number>();
        for (const reader of this.readers) {
          lags.set(reader.queue, Math.max(lags.get(reader.queue) ?? 0, reader.lagSeconds()));
        }
        for (const [queue, lag] of lags) this.set({ queue }, lag);
      },
    });
  }
}
