/** Wakes one waiter. A ring while nobody waits is kept for the next `wait`. */
export interface Bell {
  ring(): void;
  /** Waits until the bell rings (true) or the timeout passes (false). @param timeoutMs @default no timeout */
  wait(timeoutMs?: number): Promise<boolean>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      const wasRung = rung;
      rung = false;
      return wasRung;
    },
  };
}
