import { readTopologies, run } from '@warren/service';
import { analyticsService } from './service.ts';

await run(analyticsService, { topology: readTopologies(new URL('../../', import.meta.url)) });
