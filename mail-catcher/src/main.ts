import { loadSettings, runService } from '@warren/kernel';
import { composeMailCatcher } from './compose.ts';
import { mailCatcherSettings } from './config.ts';

await runService(() => composeMailCatcher(loadSettings(mailCatcherSettings)));
