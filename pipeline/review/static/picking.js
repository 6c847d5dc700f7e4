// Moving over the images of the grid, and picking several of them.

import { drawCard, mark, nameOfSet } from "./cards.js";
import { $ } from "./dom.js";
import { drawFrames } from "./frame.js";
import { Grid } from "./grid.js";
import { inSets, state } from "./state.js";

export const grid = new Grid(
  $("grid"),
  $("sheet"),
  (index) => drawCard(index, click, toggle),
  nameOfSet,
);

let showCurrent = () => {},
  openLarge = () => {};
/** `show()` is called after each move, `open()` when the image at hand is clicked again. */
export function onMove(show, open) {
  [showCurrent, openLarge] = [show, open];
}

/** Go to an image. Only the indices in `picks` are picked then. */
export function go(index, picks = []) {
  const last = state.current;
  state.current = Math.min(Math.max(index, 0), Math.max(state.items.length - 1, 0));
  if (last !== state.current) $("note").value = "";
  if (state.items.length) {
    grid.reveal(state.current);
    tellCurrent();
  } else $("grid").removeAttribute("aria-activedescendant");
  pick(picks);
  if (!state.picked.size) state.anchor = state.current;
  showCurrent();
}

function tellCurrent() {
  $("grid").setAttribute("aria-activedescendant", `item-${state.current}`);
}

const range = (a, b) => Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);

/** The indices that a decision is about, in the order on the page. */
export function targets() {
  const { picked, current, items } = state;
  const indices = picked.size ? [...picked].sort((a, b) => a - b) : [current];
  return indices.filter((index) => items[index]);
}

function pick(indices) {
  state.picked = new Set(indices);
  for (const [index, card] of grid.cards) mark(card, index);
  const { size } = state.picked;
  $("picked").hidden = !size;
  $("picked-count").textContent = `${size.toLocaleString("en")} picked`;
  $("pick-set").hidden = !inSets() || !state.items.length;
}

function click(index, event) {
  const { anchor, current, picked } = state;
  const more = event.ctrlKey || event.metaKey;
  if (event.shiftKey) go(index, [...(more ? picked : []), ...range(anchor, index)]);
  else if (more || (event.pointerType === "touch" && picked.size)) toggle(index);
  else if (index === current && !picked.size) openLarge();
  else go(index);
}

/** Pick one more image, or no longer this one. The first time, the image at hand is picked too. */
export function toggle(index) {
  const picks = new Set(state.picked);
  if (!picks.size) picks.add(state.current);
  if (state.picked.has(index)) picks.delete(index);
  else picks.add(index);
  go(index, picks);
  state.anchor = index;
}

/** The indices of the set that the image at hand is in. */
export const setAtHand = () => state.shown.find((set) => set.includes(state.current));

export function pickSet() {
  if (inSets() && state.items.length) go(state.current, setAtHand());
}

/** Pick the range from where it began to `index`. */
export function extend(index) {
  if (state.items[index]) go(index, range(state.anchor, index));
}

let before; // the indices that were picked before a frame is drawn
drawFrames(
  $("grid"),
  $("sheet"),
  () => (before = [...state.picked]),
  (corners, event) => {
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    pick([...(adds ? before : []), ...grid.inside(corners)]);
    if (state.picked.size && !state.picked.has(state.current)) {
      [state.current] = state.picked; // not `go`: the page must not scroll under the frame
      state.anchor = state.current;
      tellCurrent();
      pick(state.picked);
      showCurrent();
    }
    $("grid").focus({ preventScroll: true });
  },
);
