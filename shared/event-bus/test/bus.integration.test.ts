import { createRabbitHarness } from './bus-harness.ts';
import { describeBus } from './bus-suite.ts';

describeBus('bus on RabbitMQ', createRabbitHarness);
