// Decisions: sent one after the other, followed when others make them.

const EVERY = 4000; // milliseconds

/** Ask the server; gives the JSON, null for "nothing new". Throws an Error with the server's reason. */
export async function api(path, body) {
  const response = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (response.status === 204) return null;
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof content.detail === "string" ? content.detail : `the server answered ${response.status}`);
  return content;
}

export class DecisionBook {
  #decisions = new Map(); // SHA-256: decision, label, note, decided_at
  #mine = JSON.parse(sessionStorage.getItem("mine") ?? "[]"); // what `undo` takes back, the last at the end
  #queue = Promise.resolve();
  #waiting = 0;
  #version = "";
  #catalog = null;
  changes = { kept: 0, dropped: 0, relabelled: 0, anew: 0 };

  /** `onChange(shas)` after any change, `onTrouble(text, reload)` where the server can't do it. */
  constructor(onChange, onTrouble) {
    Object.assign(this, { onChange, onTrouble });
  }

  of = (row) => this.#decisions.get(row.sha256);
  labels = () => [...this.#decisions.values()].map((one) => one.label).filter(Boolean);
  get canUndo() {
    return this.#mine.length > 0;
  }

  /** Read all decisions, and again whenever the page is looked at. */
  async follow() {
    await this.#read();
    const again = () => document.visibilityState === "visible" && this.#read().catch((error) => this.onTrouble(`Not up to date: ${error.message}`));
    setInterval(again, EVERY);
    addEventListener("focus", again);
    document.addEventListener("visibilitychange", again);
  }

  async #read() {
    if (this.#waiting) return;
    const found = await api(`/api/decisions?known=${encodeURIComponent(this.#version)}`);
    if (this.#waiting) return; // what was read may be older than what is on its way
    if (!this.#trouble) this.onTrouble("");
    if (!found) return;
    const before = this.#decisions;
    this.#decisions = new Map(Object.entries(found.decisions));
    this.#version = found.version;
    this.changes = found.changes;
    this.#catalog ??= found.catalog;
    if (found.catalog !== this.#catalog) this.onTrouble("Clean has run since.", true), (this.#trouble = true);
    this.onChange(new Set([...before.keys(), ...this.#decisions.keys()].filter((sha256) => before.get(sha256)?.decided_at !== this.#decisions.get(sha256)?.decided_at)));
  }
  #trouble = false; // stays until the page is loaded anew

  /** Shown at once; sent after what was decided before. */
  decide(decision) {
    const { sha256 } = decision;
    this.#set(sha256, { ...decision, pending: true });
    return this.#send(sha256, "/api/decisions", decision, (now) => this.#remember([...this.#mine, { sha256, decided_at: now.decided_at }]));
  }

  /** Take back the last decision of this tab; gives its SHA-256. */
  async undo() {
    await this.#queue;
    const last = this.#mine.at(-1);
    if (!last) return null;
    this.#remember(this.#mine.slice(0, -1));
    await this.#send(last.sha256, "/api/undo", last);
    return last.sha256;
  }

  /** Take back the decision about a picture, whoever made it. */
  async takeBack(row) {
    await this.#queue;
    const decision = row && this.of(row);
    if (!decision) return;
    this.#remember(this.#mine.filter((one) => one.decided_at !== decision.decided_at));
    await this.#send(row.sha256, "/api/undo", { sha256: row.sha256, decided_at: decision.decided_at });
  }

  #remember(mine) {
    this.#mine = mine;
    sessionStorage.setItem("mine", JSON.stringify(mine));
  }

  #set(sha256, decision) {
    if (decision) this.#decisions.set(sha256, decision);
    else this.#decisions.delete(sha256);
    this.onChange(new Set([sha256]));
  }

  #send(sha256, path, body, done) {
    this.#waiting++;
    this.#queue = this.#queue.then(async () => {
      try {
        const { decision, changes } = await api(path, body);
        this.changes = changes;
        done?.(decision);
        if (this.#waiting === 1 || !this.#decisions.get(sha256)?.pending || path !== "/api/undo") this.#set(sha256, decision);
      } catch (error) {
        this.#version = ""; // read what is true
        this.onTrouble(`Not saved: ${error.message}`);
      } finally {
        this.#waiting--;
      }
      if (!this.#version) await this.#read().catch(() => {});
    });
    return this.#queue;
  }
}
