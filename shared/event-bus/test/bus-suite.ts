import { describe } from '@jest/globals';
import { describeCaughtUp } from './bus-suite-caught-up.ts';
import { describeDelivery } from './bus-suite-delivery.ts';
import { describeEnding } from './bus-suite-ending.ts';
import { describeFailures } from './bus-suite-failures.ts';
import type { CreateHarness } from './bus-suite-fixture.ts';
import { describeStreams } from './bus-suite-streams.ts';
import { describeTraces } from './bus-suite-traces.ts';

/** What every bus promises, on any broker. */
export function describeBus(name: string, createHarness: CreateHarness): void {
  describe(name, () => {
    describeDelivery(createHarness);
    describeFailures(createHarness);
    describeEnding(createHarness);
    describeCaughtUp(createHarness);
    describeStreams(createHarness);
    describeTraces(createHarness);
  });
}
