import { CRASH_POINTS, type CrashPoint } from '../system/service-instance.ts';
import type { FaultKind } from './fault.ts';

/** What happens to a process: it is killed, told to stop, frozen, or dies at a named point of its work. */
export const serviceFaults: Readonly<Record<string, FaultKind>> = {
  kill: {
    on: 'service',
    weight: 10,
    durationMs: [0, 1500],
    async inject({ service, durationMs }) {
      await service.kill(durationMs);
      return undefined;
    },
  },
  terminate: {
    on: 'service',
    weight: 6,
    durationMs: [0, 500],
    inject: ({ service, durationMs }) => service.terminate(durationMs),
  },
  freeze: {
    on: 'service',
    weight: 5,
    durationMs: [1000, 4500],
    async inject({ service, durationMs }) {
      await service.freeze(durationMs);
      return undefined;
    },
  },
  ...Object.fromEntries(CRASH_POINTS.map((point) => [`crash ${point}`, crash(point)])),
};

function crash(point: CrashPoint): FaultKind {
  return {
    on: 'service',
    weight: 2,
    durationMs: [0, 0],
    needsRelay: /publish|confirm|cursor/.test(point),
    ...(point === 'after-mail' && { only: 'notification' }),
    async inject({ service, random }) {
      const crashed = await service.crashAt(point, random.integer(1, 5));
      return crashed ? undefined : 'not reached in time: killed instead';
    },
  };
}
