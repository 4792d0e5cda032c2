import { type Component, type ComponentHealth, notEssential } from '@warren/kernel';

/** A dependency that takes part in the life of its service. */
interface LivingPart {
  start?(): void | Promise<void>;
  stop?(): void | Promise<void>;
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

/** The dependencies that have `start`, `stop` or `health`, each as a component under its name. */
export function dependencyComponents(dependencies: object): Component[] {
  return Object.entries(dependencies).flatMap(([name, part]) => (isLiving(part) ? [toComponent(name, part)] : []));
}

const isLiving = (part: unknown): part is LivingPart =>
  typeof part === 'object' && part !== null && ['start', 'stop', 'health'].some((member) => member in part);

const toComponent = (name: string, part: LivingPart): Component =>
  notEssential({
    name,
    start: async () => part.start?.(),
    stop: async () => part.stop?.(),
    ...('health' in part && { health: async () => part.health?.() ?? { up: true } }),
  });
