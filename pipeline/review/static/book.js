// Decisions: sent one after the other, followed when others make them.

const EVERY = 4000; // milliseconds
const AT_ONCE = 150; // images in one request

/** Ask the server. Returns its JSON, or null for "nothing new"; throws an Error with its reason. */
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

/** The time of a decision, to sort by. A decision that is on its way comes last. */
const order = (one) => one.decided_at ?? "~";

/** Divide a part into requests that are short enough for the server. */
function small(part) {
  const parts = [];
  for (let n = 0; n < part.sha256.length; n += AT_ONCE)
    parts.push({ ...part, sha256: part.sha256.slice(n, n + AT_ONCE) });
  return parts;
}

export class DecisionBook {
  #decisions = new Map(); // SHA-256: decision, label, note, decided_at
  // what `undo` takes back, the last at the end: each an array of {sha256: [...], decided_at}
  #steps = JSON.parse(sessionStorage.getItem("steps") ?? "[]");
  #queue = Promise.resolve();
  #waiting = 0;
  #version = "";
  #catalog = null;
  #troubles = { saving: "", reading: "", stale: "" };
  /** What the next `dvc repro` will make of the decisions. */
  outlook = { changes: { kept: 0, dropped: 0, relabelled: 0, anew: 0 }, too_few: [] };
  /** What a person should look at: sentences about decisions that match no image, and such. */
  doubts = [];
  /** Is called with a set of SHA-256 after any change of the decisions about them. */
  onChange = () => {};
  /** Is called with a text, empty when the trouble is over, and whether a reload would help. */
  onTrouble = () => {};

  of = (row) => this.#decisions.get(row.sha256);
  /** The classes that people have named, in the order in which they first did. */
  labels = () =>
    [...this.#decisions.values()]
      .filter((one) => one.label)
      .sort((a, b) => order(a).localeCompare(order(b)))
      .map((one) => one.label);
  get canUndo() {
    return this.#steps.length > 0;
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
      found = await api(`api/decisions?known=${encodeURIComponent(this.#version)}`);
      this.#trouble("reading", "");
    } catch (error) {
      this.#trouble("reading", `Not up to date: ${error.message}`);
    }
    if (!found || this.#waiting) return; // what was read may be older than what is on its way
    const before = this.#decisions;
    this.#decisions = new Map(Object.entries(found.decisions));
    this.#version = found.version;
    this.outlook = found;
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

  /**
   * Several decisions that one undo takes back, each `{sha256: [...], decision, label, note}`.
   * They are shown at once, and sent after what was decided before.
   */
  decide(parts) {
    const shown = new Map();
    for (const part of parts)
      for (const sha256 of part.sha256) shown.set(sha256, { ...part, pending: true });
    this.#set(shown);
    return this.#send(
      "api/decisions",
      parts,
      (answer, part) => {
        this.#steps.at(-1).push({ sha256: part.sha256, decided_at: answer.decision.decided_at });
        return Object.fromEntries(part.sha256.map((sha256) => [sha256, answer.decision]));
      },
      shown,
    );
  }

  /** Take back the last step of this tab. Returns the SHA-256 of its images. */
  async undo() {
    await this.#queue;
    const last = this.#steps.at(-1);
    if (!last) return [];
    this.#remember(this.#steps.slice(0, -1));
    await this.#undo(last);
    return last.flatMap((part) => part.sha256);
  }

  /** Take back the decisions about these images, whoever made them. */
  async takeBack(shas) {
    await this.#queue;
    const times = Map.groupBy(
      shas.filter((sha256) => this.#decisions.has(sha256)),
      (sha256) => this.#decisions.get(sha256).decided_at,
    );
    const parts = [...times].map(([decided_at, sha256]) => ({ sha256, decided_at }));
    const gone = (part) => ({
      ...part,
      sha256: part.sha256.filter((one) => !times.get(part.decided_at)?.includes(one)),
    });
    const steps = this.#steps.map((step) => step.map(gone).filter((part) => part.sha256.length));
    this.#remember(steps.filter((step) => step.length));
    if (parts.length) await this.#undo(parts);
  }

  #undo(parts) {
    return this.#send("api/undo", parts, (answer) => {
      if (answer.left) throw new Error(`somebody has decided about ${answer.left} of them since`);
      return answer.decisions;
    });
  }

  /** Send parts one after another. `settled(answer, part)` returns the decisions that then count. */
  #send(path, parts, settled, shown) {
    this.#waiting++;
    this.#queue = this.#queue.then(async () => {
      if (shown) this.#steps.push([]);
      let trouble = "";
      for (const part of parts.flatMap(small)) {
        try {
          const answer = await api(path, part);
          this.outlook = answer;
          this.#settle(shown, new Map(Object.entries(settled(answer, part))));
        } catch (error) {
          trouble = `Not saved: ${error.message}`;
          this.#version = ""; // what is true must be read
          this.#settle(shown, new Map(part.sha256.map((sha256) => [sha256, null])));
        }
      }
      this.#remember(this.#steps.filter((step) => step.length));
      this.#trouble("saving", trouble);
      this.#waiting--;
      if (!this.#version && !this.#waiting) await this.#read();
    });
    return this.#queue;
  }

  /** Show what the server knows, except where a newer decision is on its way. */
  #settle(shown, decisions) {
    const newer = (sha256) => {
      const now = this.#decisions.get(sha256);
      return now?.pending && now !== shown?.get(sha256);
    };
    this.#set(new Map([...decisions].filter(([sha256]) => !newer(sha256))));
  }

  #set(decisions) {
    for (const [sha256, decision] of decisions) {
      if (decision) this.#decisions.set(sha256, decision);
      else this.#decisions.delete(sha256);
    }
    this.onChange(new Set(decisions.keys()));
  }

  #remember(steps) {
    this.#steps = steps;
    try {
      sessionStorage.setItem("steps", JSON.stringify(steps));
    } catch {
      sessionStorage.removeItem("steps"); // it is full: after a reload there is nothing to undo
    }
  }

  #trouble(kind, text) {
    this.#troubles[kind] = text;
    const { saving, reading, stale } = this.#troubles;
    this.onTrouble(saving || reading || stale, !saving && !reading && !!stale);
  }
}
