import { brokerOutage } from './broker-outage.ts';
import { drainUnderLoad } from './drain-under-load.ts';
import { lateStream } from './late-stream.ts';
import { refusingQueue } from './refusing-queue.ts';
import type { Scenario } from './scenario.ts';

/** Every scenario, by the name that `--scenario` takes. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'broker-outage': brokerOutage,
  'drain-under-load': drainUnderLoad,
  'late-stream': lateStream,
  'refusing-queue': refusingQueue,
};
