// Decisions about the image at hand, or about all images that are picked.

import { $ } from "./dom.js";
import { tell } from "./messages.js";
import { go, targets } from "./picking.js";
import { book, state } from "./state.js";

/**
 * Decide about all that is picked, or about the image at hand; then go on to the next one.
 * `labelOf(row)` gives the class; images without one are left as they are.
 */
export function decide(decision, labelOf = () => null) {
  const about = targets();
  const { labelOfBytes, unclear } = chosen(about, decision, labelOf);
  const byLabel = new Map(); // class: SHA-256 of its images
  for (const [sha256, label] of labelOfBytes)
    if (!unclear.has(sha256)) byLabel.set(label, [...(byLabel.get(label) ?? []), sha256]);
  const note = $("note").value.trim();
  const parts = [...byLabel].map(([label, sha256]) => ({ sha256, decision, label, note }));
  tell(
    unclear.size
      ? `${unclear.size} of these images are the same file under two classes. Keep only the one that is right.`
      : "",
  );
  if (!parts.length) return;
  book.decide(parts);
  $("note").value = "";
  const last = about.at(-1);
  const settled = state.view === "conflicts" && decision !== "drop";
  go(settled ? (state.shown.find((set) => set[0] > last)?.[0] ?? last) : last + 1);
}

/** The class for each SHA-256, and those that were picked under two classes. */
function chosen(about, decision, labelOf) {
  const labelOfBytes = new Map();
  const unclear = new Set();
  for (const row of about.map((index) => state.items[index])) {
    const label = decision === "keep" ? classToKeep(row) : labelOf(row);
    if (label === null && decision === "relabel") continue;
    if (labelOfBytes.has(row.sha256) && labelOfBytes.get(row.sha256) !== label)
      unclear.add(row.sha256);
    labelOfBytes.set(row.sha256, label);
  }
  return { labelOfBytes, unclear };
}

/** If the same bytes are filed under several classes, to keep one says that its class is right. */
function classToKeep(row) {
  const same = state.rows.filter((other) => other.sha256 === row.sha256);
  return new Set(same.map((other) => other.raw_label)).size > 1 ? row.raw_label : null;
}

export function relabel(label) {
  if (label && state.items.length) decide("relabel", () => label);
}

/** Take the class that the audit suggests. */
export function accept() {
  if (state.items.length) decide("relabel", (row) => row.suggested);
}

/** Undo the last decision of this tab, and go to its images. */
export async function undo() {
  const shas = new Set(await book.undo());
  const found = state.items.flatMap((row, index) => (shas.has(row.sha256) ? [index] : []));
  if (found.length) go(found[0], found.length > 1 ? found : []);
}

/** Take back the decisions about these images, whoever made them. */
export function takeBack() {
  book.takeBack([...new Set(targets().map((index) => state.items[index].sha256))]);
}
