// An image in words, and as a card of the grid.

import { make, words } from "./dom.js";
import { book, flagsOf, inSets, state } from "./state.js";

export const smallOf = (row) => `images/${row.sha256}/small`;
export const largeOf = (row) => `images/${row.sha256}/large`;
export const fileOf = (row) => row.name ?? row.file ?? ""; // a person's own name for it, or ours
export const baseOf = (row) => fileOf(row).split("/").at(-1);
const nameOf = (row) => (row.name ? baseOf(row) : (row.title ?? baseOf(row))); // which people know

const DONE = { keep: "✓ keep", drop: "✕ drop" };

/** What a person has decided about it; null for nothing. */
export function decided(row) {
  const decision = book.of(row);
  if (!decision) return null;
  const moves =
    decision.decision === "relabel" || (decision.label && decision.label !== row.raw_label);
  return moves ? `→ ${decision.label}` : DONE[decision.decision];
}

/** What clean has made of it. */
export function fate(row) {
  if (row.verdict === "drop")
    return row.reason === "reviewed" ? "dropped, as decided" : `dropped: ${words(row.reason)}`;
  return ["kept", flagsOf(row).map(words).join(", ")].filter(Boolean).join(", ");
}

/** The card of an item. `onClick(index, event)` and `onLongTouch(index)` are called for it. */
export function drawCard(index, onClick, onLongTouch) {
  const row = state.items[index],
    decision = book.of(row),
    what = decided(row),
    inSet = inSets();
  const card = make(
    "div",
    {
      className: `card${decision?.decision === "drop" ? " goes" : ""}${inSet ? " in-set" : ""}`,
      role: "option",
      id: `item-${index}`,
      title: fileOf(row),
    },
    drawImage(row, decision, what),
    make("p", {}, make("b", { textContent: row.label }), inSet ? ` ${row.source}` : ""),
    make("p", {
      textContent: secondLine(row, decision),
      className: row.verdict === "drop" && !decision ? "gone" : "",
    }),
    make("p", { className: "file", textContent: nameOf(row) }),
  );
  mark(card, index);
  card.ariaPosInSet = index + 1;
  card.ariaSetSize = state.items.length;
  card.ariaLabel = [row.label, row.title, baseOf(row), fate(row), what && `decided: ${what}`]
    .filter(Boolean)
    .join(", ");
  card.addEventListener("click", (event) => onClick(index, event));
  card.addEventListener("contextmenu", (event) => {
    if (event.pointerType !== "touch") return;
    event.preventDefault();
    onLongTouch(index);
  });
  return card;
}

function drawImage(row, decision, what) {
  const image = make(
    "div",
    { className: "image" },
    row.shown
      ? make("img", { src: smallOf(row), alt: "", decoding: "async", draggable: false })
      : make("span", { className: "none", textContent: words(row.reason) }),
  );
  if (what)
    image.append(
      make("span", {
        className: `chip ${what.startsWith("→") ? "relabel" : decision.decision}${decision.pending ? " pending" : ""}`,
        textContent: what,
      }),
    );
  return image;
}

function secondLine(row, decision) {
  if (inSets()) {
    const stays = !decision && (row.verdict === "drop" ? "goes" : "stays");
    const away = row.bits != null && `${row.bits} of 256 bits away`;
    return [stays, away].filter(Boolean).join(", ");
  }
  return state.view === "suspects" ? `maybe ${row.suggested}` : fate(row);
}

/** Show on a card whether its item is at hand, or picked. */
export function mark(card, index) {
  const { current, picked } = state;
  card.ariaSelected = String(picked.size ? picked.has(index) : index === current);
  card.classList.toggle("current", index === current);
  card.classList.toggle("picked", picked.has(index));
}

/** The text above a set. */
export function nameOfSet(number) {
  const group = state.shown[number].map((index) => state.items[index]);
  const names = [...new Set(group.map((row) => row.label))];
  return state.view === "conflicts"
    ? `${names.join(" or ")}?`
    : `${names.join(", ")}, ${group.length} times`;
}
