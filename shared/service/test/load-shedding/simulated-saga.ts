import { createAnswersInFlight } from '../../src/load-shedding/answers-in-flight.ts';

export const TARGET_MS = 200;

interface Order {
  id: string;
  at: number;
  instance: number;
}

/** One or more instances that share a saga with a limited pace, in simulated time. */
export function createSimulatedSaga({ perSecond = 700, latencyMs = 30, instances = 1 } = {}) {
  let now = 0;
  let created = 0;
  let budget = 0;
  let answersTo = 0;
  const queue: Order[] = [];
  const onTheWay: { order: Order; due: number }[] = [];
  let sides = Array.from({ length: instances }, () => createAnswersInFlight(TARGET_MS, () => now));
  const saga = {
    /** False while nobody answers. */
    answering: true,
    get waiting() {
      return queue.length + onTheWay.length;
    },
    remembered: () => sides.map(({ size }) => size),
    limits: () => sides.map(({ limit }) => limit.value),
    restart() {
      sides = sides.map(() => createAnswersInFlight(TARGET_MS, () => now));
    },
    /** Offers load for a while. @returns how many orders were rejected, and how long those that were answered meanwhile had waited */
    run({ perSecond: offered, seconds }: { perSecond: number; seconds: number }) {
      let rejected = 0;
      let due = 0;
      const tookMs: number[] = [];
      for (let ms = 0; ms < seconds * 1000; ms += 1) {
        now += 1;
        for (due += offered / 1000; due >= 1; due -= 1) if (!saga.offer()) rejected += 1;
        tookMs.push(...answer());
      }
      return { rejected, tookMs };
    },
    /** Offers one order. @returns whether it was accepted */
    offer(): boolean {
      created += 1;
      const instance = created % sides.length;
      const side = sides[instance] as (typeof sides)[number];
      if (side.isFull(0)) return false;
      const order = { id: `order-${created}`, at: now, instance };
      side.stored(order.id, { at: now, inFlight: side.size + 1 });
      queue.push(order);
      return true;
    },
  };

  function answer(): number[] {
    budget = saga.answering ? Math.min(budget + perSecond / 1000, perSecond / 10) : 0;
    for (; budget >= 1 && queue.length > 0; budget -= 1) {
      onTheWay.push({ order: queue.shift() as Order, due: now + latencyMs });
    }
    const tookMs: number[] = [];
    while (saga.answering && onTheWay[0] && onTheWay[0].due <= now) {
      const { order } = onTheWay.shift() as { order: Order };
      // A shared queue delivers the answers to all instances in turn, whichever of them is waiting.
      answersTo = (answersTo * 31 + 7) % 1009;
      sides[answersTo % sides.length]?.answered(order.id);
      tookMs.push(now - order.at);
    }
    return tookMs;
  }
  return saga;
}

/** The time that a share of all is below. */
export const percentile = (times: readonly number[], share: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * share)] ?? Number.NaN;
