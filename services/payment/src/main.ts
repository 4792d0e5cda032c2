import { readTopologies, run } from '@warren/service';
import { paymentService } from './service.ts';

await run(paymentService, { topology: readTopologies(new URL('../../', import.meta.url)) });
