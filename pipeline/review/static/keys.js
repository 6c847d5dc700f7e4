// What each key and each button does.

import { openClasses } from "./classes.js";
import { accept, decide, relabel, takeBack, undo } from "./deciding.js";
import { $ } from "./dom.js";
import { openLarge } from "./panel.js";
import { extend, go, grid, pickSet, toggle } from "./picking.js";
import { state } from "./state.js";

const beside = (direction) => (state.items.length ? grid.beside(state.current, direction) : 0);
const openHelp = () => $("help").showModal();
const pickNone = () => go(state.current);

const STEPS = {
  j: () => state.current + 1,
  ArrowRight: () => state.current + 1,
  ArrowLeft: () => state.current - 1,
  ArrowDown: () => beside(1),
  ArrowUp: () => beside(-1),
  Home: () => 0,
  End: () => state.items.length - 1,
};
const KEYS = {
  k: () => decide("keep"),
  d: () => decide("drop"),
  r: openClasses,
  0: openClasses,
  u: undo,
  Backspace: takeBack,
  a: accept,
  s: pickSet,
  " ": () => toggle(state.current),
  Escape: pickNone,
  ...Object.fromEntries(Object.entries(STEPS).map(([key, to]) => [key, () => go(to())])),
  Enter: openLarge,
  n: () => $("note").focus(),
  "?": openHelp,
  "/": () => {
    $("filters").open = true;
    $("filter").elements.text.focus();
  },
};

/** What a key does now; nothing where the browser or an open dialog needs the key. */
function actionOf(event) {
  const typing = event.target.matches("input, select, textarea");
  const withControl = event.ctrlKey || event.metaKey;
  const ours = !typing && !document.querySelector("dialog[open]");
  if (ours && withControl && event.key === "a" && state.items.length)
    return () => go(state.current, state.items.keys());
  if (typing || withControl || event.altKey || $("help").open || $("labels").open) return null;
  const onControl = event.target.matches("button, a, summary");
  if (onControl && (event.key === "Enter" || event.key === " ")) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.shiftKey && key in STEPS) return () => extend(STEPS[key]());
  return /^[1-9]$/.test(key) ? () => relabel(state.labels[key - 1]) : KEYS[key];
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  const endsNote = event.target.id === "note" && event.key === "Enter";
  if (typing && (event.key === "Escape" || endsNote)) $("grid").focus();
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
});

$("keep").onclick = () => decide("keep");
$("drop").onclick = () => decide("drop");
$("relabel").onclick = openClasses;
$("undo").onclick = undo;
$("accept").onclick = accept;
$("pick-set").onclick = pickSet;
$("pick-none").onclick = pickNone;
$("open-large").onclick = openLarge;
$("open-help").onclick = openHelp;
$("large-close").onclick = () => $("large").close();
for (const dialog of document.querySelectorAll("dialog"))
  dialog.addEventListener("close", () => $("grid").focus());
