import { setTimeout as pause } from 'node:timers/promises';
import type { TcpProxy } from '@warren/testing';
import type { FaultContext, FaultKind, FaultTarget } from './fault.ts';

type LinkTarget = Extract<FaultTarget, 'broker link' | 'database link'>;

/** What happens to the network between one service and the broker or the database. */
export const linkFaults: Readonly<Record<string, FaultKind>> = {
  ...faultsOf('broker link', [1000, 4500]),
  ...faultsOf('database link', [500, 2500]),
};

/** @param frozenMs the broker's heartbeat is a second, so that most of its frozen connections count as lost before they come back */
function faultsOf(on: LinkTarget, frozenMs: readonly [number, number]): Record<string, FaultKind> {
  const fault = (
    weight: number,
    durationMs: readonly [number, number],
    act: (link: TcpProxy, context: FaultContext) => Promise<void>,
  ): FaultKind => ({
    on,
    weight,
    durationMs,
    async inject(context) {
      const { service } = context;
      await act(on === 'broker link' ? service.brokerLink : service.databaseLink, context);
      return undefined;
    },
  });
  return {
    [`${on} cut`]: fault(4, [0, 0], async (link) => link.cut()),
    [`${on} refused`]: fault(3, [500, 2500], async (link, { durationMs }) => {
      link.refuse(true);
      link.cut();
      await pause(durationMs);
      link.refuse(false);
    }),
    [`${on} half-open`]: fault(3, frozenMs, async (link, { durationMs, random }) => {
      link.freeze(true);
      await pause(durationMs);
      // Either the packets get through again, or the connections turn out to be gone.
      if (random.chance(0.5)) link.cut();
      link.freeze(false);
    }),
    [`${on} slow`]: fault(3, [1000, 4000], async (link, { durationMs, random }) => {
      link.delay(random.integer(20, 250));
      await pause(durationMs);
      link.delay(0);
    }),
  };
}
