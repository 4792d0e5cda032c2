import { setTimeout as pause } from 'node:timers/promises';
import type { MailServerBehaviour } from '@warren/testing';
import type { FaultContext, FaultKind } from './fault.ts';

/** What happens to the mail server. It notes by itself which of the mails it has taken were not answered for. */
export const mailFaults: Readonly<Record<string, FaultKind>> = {
  'mail server away': {
    on: 'mail server',
    weight: 3,
    durationMs: [500, 4000],
    async inject({ system: { mailServer }, durationMs }) {
      await mailServer.stop();
      await pause(durationMs);
      await mailServer.start();
      return undefined;
    },
  },
  'mail server late': {
    on: 'mail server',
    weight: 3,
    durationMs: [1000, 4000],
    inject: (context) =>
      misbehave(context, { beforeAnswer: () => pause(context.random.integer(200, 2500)).then(() => undefined) }),
  },
  'mail server hangs up': {
    on: 'mail server',
    weight: 4,
    durationMs: [500, 3000],
    inject: (context) => misbehave(context, { hangsUp: () => context.random.chance(0.5) }),
  },
};

async function misbehave(
  { system: { mailServer }, durationMs }: FaultContext,
  behaviour: MailServerBehaviour,
): Promise<string> {
  const before = mailServer.mails.length;
  mailServer.behave(behaviour);
  await pause(durationMs);
  mailServer.behave({});
  return `${mailServer.mails.length - before} mails meanwhile`;
}
