import { brokerFaults } from './broker-faults.ts';
import { databaseFaults } from './database-faults.ts';
import type { FaultKind } from './fault.ts';
import { linkFaults } from './link-faults.ts';
import { mailFaults } from './mail-faults.ts';
import { messageFaults } from './message-faults.ts';
import { serviceFaults } from './service-faults.ts';
import { topologyFaults } from './topology-faults.ts';

/** Everything that the suite can do to the system, by name. */
export const FAULT_KINDS: Readonly<Record<string, FaultKind>> = {
  ...serviceFaults,
  ...brokerFaults,
  ...databaseFaults,
  ...linkFaults,
  ...mailFaults,
  ...messageFaults,
  ...topologyFaults,
};
