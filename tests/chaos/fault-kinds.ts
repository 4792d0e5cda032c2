import { brokerFaults } from './faults/broker-faults.ts';
import { databaseFaults } from './faults/database-faults.ts';
import type { FaultKind } from './faults/fault.ts';
import { linkFaults } from './faults/link-faults.ts';
import { mailFaults } from './faults/mail-faults.ts';
import { messageFaults } from './faults/message-faults.ts';
import { serviceFaults } from './faults/service-faults.ts';
import { topologyFaults } from './faults/topology-faults.ts';

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
