/** Counts a call as in flight until two event-loop turns after its response, or until it is older than `patienceMs`. */
export class CallSlot {
  #isHeld = true;
  readonly #timer: NodeJS.Timeout;
  readonly #onRelease: () => void;

  constructor(patienceMs: number, onRelease: () => void) {
    this.#onRelease = onRelease;
    this.#timer = setTimeout(() => this.#release(), patienceMs);
  }

  /** Waits two event-loop turns: callers that just got a response often look up again and can join. */
  releaseSoon(): void {
    clearTimeout(this.#timer);
    setImmediate(() => setImmediate(() => this.#release()));
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#onRelease();
  }
}
