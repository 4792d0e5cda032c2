import { loadSettings, runService } from '@warren/kernel';
import { composeOrder } from './compose.ts';
import { orderSettings } from './config.ts';

await runService(() => composeOrder(loadSettings(orderSettings)));
