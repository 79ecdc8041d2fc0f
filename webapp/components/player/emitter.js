// Emitter: event listeners by name. Unlike those of an EventTarget, listeners get plain values.

export class Emitter {
  constructor() {
    this.listeners = new Map(); // name -> Set of functions
  }

  /** Call `listener` with the value of every event `name`; returns a function that removes it. */
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
    return () => this.listeners.get(name).delete(listener);
  }

  emit(name, value) {
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener(value);
  }
}
