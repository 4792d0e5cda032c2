import { registerHooks } from './register-hooks.mjs';

// The suite runs from its sources, compiled on the fly as jest does it.
await registerHooks(new URL('./typescript-hooks.mjs', import.meta.url));
