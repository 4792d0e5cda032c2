import type { AppError } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { explainDeclareFailure, isChannelRefusal } from './connection-failure.ts';

/** Something of a plan that the broker refuses. */
export interface Refusal {
  /** `exchange homes`, `queue maps_home_built`, `binding …`. */
  subject: string;
  exchange?: string;
  queue?: string;
  error: AppError;
}

export interface Declared {
  refusals: Refusal[];
  /** What this login may not declare and what is used as it is: it exists, or, for a binding, both its ends do. */
  foreign: string[];
}

/**
 * Declares what a consumer of `queue` needs. Whatever else is refused, the queue is consumed.
 * @throws `TOPOLOGY_REFUSED`, `BROKER_UNAVAILABLE` when it cannot be
 */
export type DeclareForConsumer = (model: ChannelModel, plan: TopologyPlan, queue: string) => Promise<void>;

/** Something to ask of the broker on a channel. */
export type Step = Pick<Refusal, 'subject' | 'exchange' | 'queue'> & {
  declare(channel: Channel): Promise<unknown>;
  /** Fails when it does not exist. */
  find?(channel: Channel): Promise<unknown>;
};

/**
 * Declares everything of a plan, on channels of its own: a refusal closes one, and must harm nothing else. What is refused is left out with
 * what cannot be without it; the rest is declared all the same. Idempotent.
 * @throws `BROKER_UNAVAILABLE` when the connection is lost
 */
export async function declareTopology(model: ChannelModel, plan: TopologyPlan): Promise<Declared> {
  const declared: Declared = { refusals: [], foreign: [] };
  let steps = stepsOf(plan);
  while (steps.length > 0) {
    const { accepted, error } = await takeSteps(model, steps);
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

/** Every virtual host has it. */
const OTHER_EXCHANGE = 'amq.topic';

/**
 * Asks whether the login may publish to an exchange, without a message: to unbind what is not bound needs the same right and changes
 * nothing. The right to read the other exchange, which it needs too, is checked after that, and does not matter.
 * @returns the refusal; nothing when it may
 */
export async function checkWriteRight(model: ChannelModel, exchange: string): Promise<Refusal | undefined> {
  const subject = `exchange ${exchange}`;
  const declare = (channel: Channel) => channel.unbindExchange(exchange, OTHER_EXCHANGE, 'warren.write-right');
  const { error } = await takeSteps(model, [{ subject, exchange, declare }]);
  if (!isForbidden(error) || !(error as Error).message.includes(`exchange '${exchange}'`)) return undefined;
  return { subject, exchange, error: explainDeclareFailure(error) };
}

/** Takes steps up to the first that is refused: how many were accepted, and why the next one was not. */
export async function takeSteps(
  model: ChannelModel,
  steps: readonly Step[],
): Promise<{ accepted: number; error?: unknown }> {
  return onChannel(model, async (channel) => {
    // amqplib sends the calls one after the other; started together they need no turn of the event loop between.
    const results = await Promise.allSettled(steps.map((step) => step.declare(channel)));
    const accepted = results.findIndex(({ status }) => status === 'rejected');
    const failed = results[accepted];
    if (failed?.status !== 'rejected') return { accepted: steps.length };
    if (!isChannelRefusal(failed.reason)) throw explainDeclareFailure(failed.reason);
    return { accepted, error: failed.reason };
  });
}

async function exists(model: ChannelModel, find: NonNullable<Step['find']>): Promise<boolean> {
  return onChannel(model, (channel) =>
    find(channel).then(
      () => true,
      (error: unknown) => {
        if (isChannelRefusal(error)) return false;
        throw explainDeclareFailure(error);
      },
    ),
  );
}

/** Runs something on a channel that nothing else uses. @throws `BROKER_UNAVAILABLE` when there is none to be had */
export async function onChannel<Result>(
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
    // Not waited for: closed by the refusal already, or its connection may be lost before the answer, and then none ever comes.
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
 * Whether a later step cannot or must not be taken without a refused one. A queue that exists with other arguments is still bound: its
 * events wait there for whoever corrects it. An exchange of another type routes otherwise than the contracts say.
 */
function needs(step: Step, refused: Step, refusedExists: boolean): boolean {
  if (step.queue === undefined || step.exchange === undefined) return false;
  if (refused.queue === undefined) return step.exchange === refused.exchange;
  return refused.exchange === undefined && step.queue === refused.queue && !refusedExists;
}

const isForbidden = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 403;
