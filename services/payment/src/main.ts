import { loadSettings, runService } from '@warren/kernel';
import { composePayment } from './compose.ts';
import { paymentSettings } from './config.ts';

await runService(() => composePayment(loadSettings(paymentSettings)));
