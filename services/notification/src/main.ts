import { readTopologies, run } from '@warren/service';
import { notificationService } from './service.ts';

await run(notificationService, { topology: readTopologies(new URL('../../', import.meta.url)) });
