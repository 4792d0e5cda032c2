/** A bell: `wait` sleeps until it is rung or the time is over. A ring while nobody waits is kept for the next `wait`. */
export interface RelaySignal {
  ring(): void;
  wait(timeoutMs: number): Promise<void>;
}

export function createRelaySignal(): RelaySignal {
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
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      rung = false;
    },
  };
}
