// Event listeners by name. Smaller than EventTarget, and listeners get values instead of event objects.

export class Emitter {
  constructor() {
    this.listeners = new Map(); // name -> Set of functions
  }

  /** Call `listener` at every `name`; returns a function that ends it. */
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
    return () => this.listeners.get(name).delete(listener);
  }

  emit(name, value) {
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener(value);
  }
}
