import type { AppError } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { explainDeclareFailure, isChannelRefusal } from './connection-failure.ts';

/** A part of a topology plan that the broker refuses. */
export interface Refusal {
  /** `exchange homes`, `queue maps_home_built`, `binding …`. */
  subject: string;
  exchange?: string;
  queue?: string;
  error: AppError;
}

export interface Declared {
  refusals: Refusal[];
  /** What this login may not declare but can use as is: it exists or, for a binding, both its ends do. */
  foreign: string[];
}

/**
 * Declares what a consumer of `queue` needs. Other refusals do not keep the queue from being consumed.
 * @throws `TOPOLOGY_REFUSED`, `BROKER_UNAVAILABLE` when the queue itself cannot be declared
 */
export type DeclareForConsumer = (model: ChannelModel, plan: TopologyPlan, queue: string) => Promise<void>;

/** A request to the broker on a channel. */
export type Step = Pick<Refusal, 'subject' | 'exchange' | 'queue'> & {
  declare(channel: Channel): Promise<unknown>;
  /** Fails when the object does not exist. */
  find?(channel: Channel): Promise<unknown>;
};

/**
 * Declares everything in a plan, on separate channels: a refusal closes its channel and must not affect anything else. Skips refused parts
 * and whatever depends on them, and declares the rest. Idempotent.
 * @throws `BROKER_UNAVAILABLE` when the connection is lost
 */
export async function declareTopology(model: ChannelModel, plan: TopologyPlan): Promise<Declared> {
  const declared: Declared = { refusals: [], foreign: [] };
  let steps = stepsOf(plan);
  while (steps.length > 0) {
    const { accepted, error } = await runSteps(model, steps);
    const refused = steps[accepted];
    steps = steps.slice(accepted + 1);
    if (!refused) break;
    const there = refused.find ? await exists(model, refused.find) : isForbidden(error);
    if (there && isForbidden(error)) declared.foreign.push(refused.subject);
    else {
      const { subject, exchange, queue } = refused;
      declared.refusals.push({ subject, exchange, queue, error: explainDeclareFailure(error) });
      steps = steps.filter((step) => !needs(step, refused, there));
    }
  }
  return declared;
}

/** Exists in every virtual host. */
const OTHER_EXCHANGE = 'amq.topic';

/**
 * Checks whether the login may publish to an exchange, without sending a message: unbinding a nonexistent binding needs the same permission
 * and changes nothing. It also needs permission to read the other exchange; the broker checks that second, and its result does not matter.
 * @returns the refusal; undefined when the login may publish
 */
export async function checkWriteRight(model: ChannelModel, exchange: string): Promise<Refusal | undefined> {
  const subject = `exchange ${exchange}`;
  const declare = (channel: Channel) => channel.unbindExchange(exchange, OTHER_EXCHANGE, 'warren.write-right');
  const { error } = await runSteps(model, [{ subject, exchange, declare }]);
  if (!isForbidden(error) || !(error as Error).message.includes(`exchange '${exchange}'`)) return undefined;
  return { subject, exchange, error: explainDeclareFailure(error) };
}

/** Runs steps up to the first refusal. Returns how many were accepted, and why the next one was refused. */
export async function runSteps(
  model: ChannelModel,
  steps: readonly Step[],
): Promise<{ accepted: number; error?: unknown }> {
  return withChannel(model, async (channel) => {
    // amqplib sends the calls in order; starting them together avoids a turn of the event loop between them.
    const results = await Promise.allSettled(steps.map((step) => step.declare(channel)));
    const accepted = results.findIndex(({ status }) => status === 'rejected');
    const failed = results[accepted];
    if (failed?.status !== 'rejected') return { accepted: steps.length };
    if (!isChannelRefusal(failed.reason)) throw explainDeclareFailure(failed.reason);
    return { accepted, error: failed.reason };
  });
}

async function exists(model: ChannelModel, find: NonNullable<Step['find']>): Promise<boolean> {
  return withChannel(model, (channel) =>
    find(channel).then(
      () => true,
      (error: unknown) => {
        if (isChannelRefusal(error)) return false;
        throw explainDeclareFailure(error);
      },
    ),
  );
}

/** Runs a function on a channel of its own. @throws `BROKER_UNAVAILABLE` when no channel can be opened */
export async function withChannel<Result>(
  model: ChannelModel,
  run: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await model.createChannel().catch((error: unknown) => {
    throw explainDeclareFailure(error);
  });
  channel.on('error', () => undefined);
  try {
    return await run(channel);
  } finally {
    // Not awaited: a refusal has already closed it, or its connection may be lost and never answer.
    void channel.close().catch(() => undefined);
  }
}

function stepsOf(plan: TopologyPlan): Step[] {
  return [
    ...plan.exchanges.map(({ name, type }) => ({
      subject: `exchange ${name}`,
      exchange: name,
      declare: (channel: Channel) => channel.assertExchange(name, type, { durable: true }),
      find: (channel: Channel) => channel.checkExchange(name),
    })),
    ...plan.queues.map((queue) => ({
      subject: `queue ${queue.name}`,
      queue: queue.name,
      declare: (channel: Channel) => channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments }),
      find: (channel: Channel) => channel.checkQueue(queue.name),
    })),
    ...plan.bindings.map(({ queue, exchange, routingKey }) => ({
      subject: `binding of ${queue} to ${exchange}/${routingKey}`,
      exchange,
      queue,
      declare: (channel: Channel) => channel.bindQueue(queue, exchange, routingKey),
    })),
  ];
}

/**
 * Whether a later step must be skipped after a refusal. A queue that exists with other arguments is still bound: its events wait there
 * until someone fixes it. An exchange of another type would route differently from what the contracts say.
 */
function needs(step: Step, refused: Step, refusedExists: boolean): boolean {
  if (step.queue === undefined || step.exchange === undefined) return false;
  if (refused.queue === undefined) return step.exchange === refused.exchange;
  return refused.exchange === undefined && step.queue === refused.queue && !refusedExists;
}

const isForbidden = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 403;
