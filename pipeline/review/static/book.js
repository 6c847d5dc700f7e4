// Decisions: sent one after the other, followed when others make them.

const EVERY = 4000; // milliseconds

/** Ask the server; gives the JSON, null for "nothing new". Throws an Error with the server's reason. */
export async function api(path, body) {
  const response = await fetch(
    path,
    body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    },
  );
  if (response.status === 204) return null;
  const content = await response.json().catch(() => ({}));
  const why =
    content.detail?.[0]?.msg ?? content.detail ?? `the server answered ${response.status}`;
  if (!response.ok) throw new Error(why);
  return content;
}

export class DecisionBook {
  #decisions = new Map(); // SHA-256: decision, label, note, decided_at
  #mine = JSON.parse(sessionStorage.getItem("mine") ?? "[]"); // what `undo` takes back, the last at the end
  #queue = Promise.resolve();
  #waiting = 0;
  #version = "";
  #catalog = null;
  #troubles = { saving: "", reading: "", stale: "" };
  changes = { kept: 0, dropped: 0, relabelled: 0, anew: 0 };

  /** `onChange(shas)` after any change; `onTrouble(text, stale)`: empty when it is over. */
  constructor(onChange, onTrouble) {
    Object.assign(this, { onChange, onTrouble });
  }

  of = (row) => this.#decisions.get(row.sha256);
  labels = () => [...this.#decisions.values()].map((one) => one.label).filter(Boolean);
  get canUndo() {
    return this.#mine.length > 0;
  }

  /** Read all decisions, and again as long as the page is looked at. */
  async follow() {
    await this.#read();
    const again = () => document.visibilityState === "visible" && this.#read();
    setInterval(again, EVERY);
    addEventListener("focus", again);
    document.addEventListener("visibilitychange", again);
  }

  async #read() {
    let found = null;
    try {
      found = await api(`/api/decisions?known=${encodeURIComponent(this.#version)}`);
      this.#trouble("reading", "");
    } catch (error) {
      this.#trouble("reading", `Not up to date: ${error.message}`);
    }
    if (!found || this.#waiting) return; // what was read may be older than what is on its way
    const before = this.#decisions;
    this.#decisions = new Map(Object.entries(found.decisions));
    this.#version = found.version;
    this.changes = found.changes;
    this.doubts = found.doubts;
    this.#catalog ??= found.catalog;
    if (found.catalog !== this.#catalog) this.#trouble("stale", "Clean has run since.");
    const both = [...before.keys(), ...this.#decisions.keys()];
    this.onChange(
      new Set(
        both.filter(
          (sha256) => before.get(sha256)?.decided_at !== this.#decisions.get(sha256)?.decided_at,
        ),
      ),
    );
  }

  /** Shown at once; sent after what was decided before. */
  decide(decision) {
    const { sha256 } = decision;
    const shown = { ...decision, pending: true };
    this.#set(sha256, shown);
    return this.#send("/api/decisions", decision, shown);
  }

  /** Take back the last decision of this tab; gives its SHA-256. */
  async undo() {
    await this.#queue;
    const last = this.#mine.at(-1);
    if (!last) return null;
    this.#remember(this.#mine.slice(0, -1));
    await this.#send("/api/undo", last);
    return last.sha256;
  }

  /** Take back the decision about an image, whoever made it. */
  async takeBack(row) {
    await this.#queue;
    const decision = row && this.of(row);
    if (!decision) return;
    this.#remember(this.#mine.filter((one) => one.decided_at !== decision.decided_at));
    await this.#send("/api/undo", { sha256: row.sha256, decided_at: decision.decided_at });
  }

  #send(path, body, shown) {
    const { sha256 } = body;
    this.#waiting++;
    this.#queue = this.#queue.then(async () => {
      try {
        const { decision, changes } = await api(path, body);
        if (shown) this.#remember([...this.#mine, { sha256, decided_at: decision.decided_at }]);
        this.changes = changes;
        this.#settle(sha256, shown, decision);
        this.#trouble("saving", "");
      } catch (error) {
        this.#settle(sha256, shown, null);
        this.#version = ""; // what is true must be read
        this.#trouble("saving", `Not saved: ${error.message}`);
      }
      this.#waiting--;
      if (!this.#version && !this.#waiting) await this.#read();
    });
    return this.#queue;
  }

  /** Show what the server knows, but where something newer is on its way. */
  #settle(sha256, shown, decision) {
    const now = this.#decisions.get(sha256);
    if (now === shown || !now?.pending) this.#set(sha256, decision);
  }

  #set(sha256, decision) {
    if (decision) this.#decisions.set(sha256, decision);
    else this.#decisions.delete(sha256);
    this.onChange(new Set([sha256]));
  }

  #remember(mine) {
    this.#mine = mine;
    sessionStorage.setItem("mine", JSON.stringify(mine));
  }

  #trouble(kind, text) {
    this.#troubles[kind] = text;
    const { saving, reading, stale } = this.#troubles;
    this.onTrouble(saving || reading || stale, !saving && !reading && !!stale);
  }
}
