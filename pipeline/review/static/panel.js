// The image at hand: in the panel beside the grid, and large on its own.

import { baseOf, decided, fate, fileOf, largeOf, smallOf } from "./cards.js";
import { $, make, words } from "./dom.js";
import { go, setAtHand } from "./picking.js";
import { book, inSets, state } from "./state.js";

let loading;
export function showCurrent() {
  const row = state.items[state.current];
  $("panel").hidden = !row;
  if (!row) return;
  showImage(row);
  $("title").textContent = row.title ?? row.label;
  $("fate").replaceChildren(
    ...[
      make("span", { className: row.verdict === "keep" ? "good" : "bad", textContent: fate(row) }),
      decided(row) && ` · ${decided(row)}`,
    ].filter(Boolean),
  );
  showFacts(row);
  showChoice(row);
  if ($("large").open) fillLarge();
}

function showImage(row) {
  const image = $("image");
  image.hidden = !row.shown;
  $("no-image").textContent = row.shown ? "" : `Nothing to show: ${words(row.reason)}`;
  $("open-large").disabled = !row.shown;
  clearTimeout(loading);
  if (!row.shown || image.dataset.sha256 === row.sha256) return;
  image.dataset.sha256 = row.sha256;
  image.src = smallOf(row); // the grid has loaded it already
  image.alt = `${row.label}: ${row.title ?? row.sha256.slice(0, 12)}`;
  loading = setTimeout(() => (image.src = largeOf(row)), 150); // not for images that are passed by
}

function showFacts(row) {
  const web = /^https?:/.test(row.page_url ?? "");
  const page = web
    ? make("a", {
        href: row.page_url,
        target: "_blank",
        rel: "noreferrer noopener",
        textContent: new URL(row.page_url).host,
      })
    : null;
  const facts = {
    file: fileOf(row),
    class: row.label === row.raw_label ? row.label : `${row.label} (came as ${row.raw_label})`,
    source: row.source,
    split: row.official_split,
    page,
    license: row.license,
    author: row.author,
    size:
      row.width && `${row.width}×${row.height}, ${Math.round(row.bytes / 1000)} kB, ${row.format}`,
    sharpness: row.sharpness?.toFixed(0),
    brightness: row.brightness?.toFixed(0),
    suggested: row.suggested && `${row.suggested} (${row.score})`,
    note: book.of(row)?.note || row.note,
    "SHA-256": `${row.sha256.slice(0, 16)}…`,
  };
  $("facts").replaceChildren(
    ...Object.entries(facts)
      .filter(([, value]) => value)
      .flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", {}, value)]),
  );
}

/** Show on the buttons what was decided. */
function showChoice(row) {
  const decision = book.of(row);
  for (const name of ["keep", "drop"]) $(name).ariaPressed = String(decision?.decision === name);
  for (const button of $("numbers").children)
    button.ariaPressed = String(!!decision?.label && decision.label === button.dataset.label);
  $("undo").disabled = !book.canUndo;
  $("accept").hidden = !row.suggested;
  if (row.suggested)
    $("accept").replaceChildren(
      make("span", { textContent: state.picked.size ? "As suggested" : `It is ${row.suggested}` }),
      make("kbd", { textContent: "A" }),
    );
}

/** The image at hand, or all images of its set side by side. */
function fillLarge() {
  const set = inSets() ? setAtHand() : [state.current];
  $("large-images").replaceChildren(
    ...set.map((index) => {
      const row = state.items[index];
      const size = `${row.width}×${row.height}`;
      const facts = [row.label, baseOf(row), size, row.source, fate(row), decided(row)];
      const figure = make(
        "figure",
        { className: index === state.current && set.length > 1 ? "current" : "" },
        make("img", { src: largeOf(row), alt: row.title ?? row.label }),
        make("figcaption", { textContent: facts.filter(Boolean).join(" · ") }),
      );
      figure.addEventListener("click", () => go(index));
      return figure;
    }),
  );
  $("large-text").textContent = `${state.current + 1} of ${state.items.length}`;
}

export function openLarge() {
  if (!state.items[state.current]?.shown || $("large").open) return;
  fillLarge();
  $("large").showModal();
}
