import { registerHooks } from '../../program/register-hooks.mjs';

// Loaded into a service before it starts: proves that the suite notices a missing mechanism. See mechanisms.mjs.
await registerHooks(new URL('./mechanism-hooks.mjs', import.meta.url));
