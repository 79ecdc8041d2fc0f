// Asking the server: JSON over HTTP with the test's key or the listener's token; a lost connection is waited for.
const WAITS_MS = [500, 1000, 2000, 4000];

export class Refused extends Error {
  /** The server's answer in words: what happened, why, and what to do. */
  constructor({ what, why, todo, detail }) {
    super([what ?? detail ?? "The server did not answer as expected.", why, todo].filter(Boolean).join(" "));
  }
}

export class Room {
  /** `base` is the address of the test; `onLost(true)` is called while the server does not answer. */
  constructor(base, onLost) {
    this.base = base;
    this.onLost = onLost;
    this.token = "";
  }

  async json(path, body) {
    return (await this.fetch(path, body)).json();
  }

  async bytes(path) {
    return (await this.fetch(path)).arrayBuffer();
  }

  /** Ask until there is an answer; everything that is asked may be asked twice. */
  async fetch(path, body) {
    const init = { headers: { Authorization: `Bearer ${this.token}` }, cache: "no-store" };
    if (body !== undefined) {
      init.method = "POST";
      init.body = JSON.stringify(body);
      init.headers["Content-Type"] = "application/json";
    }
    for (let tries = 0; ; tries++) {
      let answer = null;
      try {
        answer = await fetch(`${this.base}/${path}`, init);
      } catch {
        // The network or the server is gone; it may come back.
      }
      if (answer && answer.status < 500) {
        this.onLost(false);
        if (answer.ok) return answer;
        throw new Refused(await answer.json().catch(() => ({})));
      }
      this.onLost(true);
      await new Promise((resolve) => setTimeout(resolve, WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]));
    }
  }
}
