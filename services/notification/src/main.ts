import { run } from '@warren/service';
import { notificationService } from './service.ts';

await run(notificationService);
