import { register } from 'node:module';

// Loaded into a service before it starts: proves that the suite notices a missing mechanism. See mechanisms.mjs.
register('./mechanism-hooks.mjs', import.meta.url);
