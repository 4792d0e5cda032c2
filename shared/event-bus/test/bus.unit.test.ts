import { createMemoryHarness } from './bus-harness.ts';
import { describeBus } from './bus-suite.ts';

describeBus('in-memory bus', createMemoryHarness);
