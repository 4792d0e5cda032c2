import { run } from '@warren/service';
import { paymentService } from './service.ts';

await run(paymentService);
