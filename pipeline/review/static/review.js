// The page: which images, which one is at hand, and what is decided about it.
// All text from the web goes in as textContent.

import { api, DecisionBook } from "./book.js";
import { drawFrames } from "./frame.js";
import { Grid } from "./grid.js";

const $ = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const words = (reason) => reason.replaceAll("_", " ");
const VIEWS = {
  conflicts: "Label conflicts",
  duplicates: "Near-duplicates",
  suspects: "Suspected labels",
  dropped: "Dropped",
  flagged: "Flagged",
  all: "All",
};
const SORTS = {
  label: (row) => row.label,
  small: (row) => row.width * row.height,
  large: (row) => -row.width * row.height,
  blurred: (row) => row.sharpness ?? -1,
  dark: (row) => row.brightness ?? -1,
  light: (row) => -(row.brightness ?? -1),
  flat: (row) => row.contrast ?? -1,
};

let rows = [],
  sets = []; // all that clean knows
let items = [],
  shown = []; // what is shown: rows in order, and arrays of indices into them
let current = 0, // the image at hand
  anchor = 0, // where a range of images begins
  picked = new Set(), // indices of several images to decide about at once; empty: the one at hand
  view = "all";
let labels = []; // the classes in the data, then those that people have named besides
const book = new DecisionBook(onDecisions, onTrouble);
const grid = new Grid($("grid"), $("sheet"), drawCard, nameOfSet);
const fileOf = (row) => row.name ?? row.file ?? ""; // a person's own name for it, or ours
const baseOf = (row) => fileOf(row).split("/").at(-1);

// ---- what is shown

const flagsOf = (row) => row.flags.filter((flag) => flag !== "reviewed");
const BELONGS = {
  suspects: (row) => row.suspect !== null,
  dropped: (row) => row.verdict === "drop",
  flagged: (row) => row.verdict === "keep" && flagsOf(row).length > 0,
  all: () => true,
};
const setsOf = (name) => sets.filter((set) => set.kind === name);
const inSets = () => !(view in BELONGS);

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  view =
    asked.get("view") in VIEWS
      ? asked.get("view")
      : (Object.keys(VIEWS).find((name) => count(name)) ?? "all");
  for (const field of $("filter").elements) field.value = asked.get(field.name) ?? "";
  for (const link of $("views").children) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  $("views").querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  for (const select of $("filter").querySelectorAll("select"))
    if (select.selectedIndex < 0) select.value = "";
  select();
}

function writeAddress() {
  const address = new URLSearchParams({ view });
  for (const [name, value] of new FormData($("filter"))) if (value) address.set(name, value);
  history.replaceState(null, "", `#${address}`);
  select();
}

const count = (name) => (name in BELONGS ? rows.filter(BELONGS[name]) : setsOf(name)).length;

function wanted(filter) {
  const text = (filter.text ?? "").trim().normalize().toLowerCase();
  return (row) => {
    const decision = book.of(row)?.decision;
    return (
      (!filter.label || row.label === filter.label || row.raw_label === filter.label) &&
      (!filter.source || row.source === filter.source) &&
      (!filter.reason || row.reason === filter.reason || row.flags.includes(filter.reason)) &&
      (!filter.decided ||
        (filter.decided === "no"
          ? !decision
          : filter.decided === "yes"
            ? !!decision
            : decision === filter.decided)) &&
      (!text ||
        [row.name, row.file, row.title, row.page_url, row.author, row.note, row.sha256].some(
          (value) => value?.normalize().toLowerCase().includes(text),
        ))
    );
  };
}

/** Fill `items` and `shown` anew. A decision alone never does that: nothing jumps under the hand. */
function select() {
  const filter = Object.fromEntries(new FormData($("filter")));
  const fits = wanted(filter);
  const before = items[current];
  let groups = inSets()
    ? setsOf(view)
        .filter((set) => set.rows.some((n) => fits(rows[n])))
        .map((set) => set.rows.map((n, i) => ({ ...rows[n], bits: set.bits[i] })))
    : rows.filter((row) => BELONGS[view](row) && fits(row)).map((row) => [row]);
  const key = SORTS[filter.sort] ?? (view === "suspects" ? (row) => row.suspect : null);
  if (key)
    groups = groups
      .map((group) => [key(group[0]), group])
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([, group]) => group);
  items = groups.flat();
  let next = 0;
  shown = groups.map((group) => group.map(() => next++));
  current = Math.max(0, before ? items.findIndex((item) => item.n === before.n) : 0);
  anchor = current;
  picked = new Set();
  grid.show(shown, inSets());
  $("shown").textContent = inSets() ? `· ${groups.length} sets` : `· ${items.length} images`;
  $("nothing").hidden = items.length > 0;
  $("nothing").textContent = count(view)
    ? "Nothing fits this filter."
    : view === "suspects"
      ? "No suspected labels: look for some with dvc repro audit/dvc.yaml"
      : "Nothing here.";
  go(current);
}

function fillFilters() {
  const fill = (name, values) => {
    const unique = [...new Set(values)].filter(Boolean).sort();
    $("filter").elements[name].replaceChildren(
      make("option", { value: "", textContent: "all" }),
      ...unique.map((value) => make("option", { value, textContent: words(value) })),
    );
  };
  fill(
    "label",
    rows.flatMap((row) => [row.label, row.raw_label]),
  );
  fill(
    "source",
    rows.map((row) => row.source),
  );
  fill(
    "reason",
    rows.flatMap((row) => [row.reason, ...row.flags]),
  );
  $("views").replaceChildren(
    ...Object.entries(VIEWS).map(([name, title]) => {
      const link = make(
        "a",
        { href: `#view=${name}` },
        title,
        make("span", { textContent: count(name).toLocaleString("en") }),
      );
      link.dataset.view = name;
      return link;
    }),
  );
}

// ---- one image

const small = (row) => `images/${row.sha256}/small`;
const large = (row) => `images/${row.sha256}/large`;
const DONE = { keep: "✓ keep", drop: "✕ drop" };
const decided = (row) => {
  const decision = book.of(row);
  if (!decision) return null;
  const moves =
    decision.decision === "relabel" || (decision.label && decision.label !== row.raw_label);
  return moves ? `→ ${decision.label}` : DONE[decision.decision];
};

function fate(row) {
  if (row.verdict === "drop")
    return row.reason === "reviewed" ? "dropped, as decided" : `dropped: ${words(row.reason)}`;
  return ["kept", flagsOf(row).map(words).join(", ")].filter(Boolean).join(", ");
}

function drawCard(index, inSet) {
  const row = items[index],
    decision = book.of(row),
    what = decided(row);
  const photo = make(
    "div",
    { className: "photo" },
    row.shown
      ? make("img", { src: small(row), alt: "", decoding: "async", draggable: false })
      : make("span", { className: "none", textContent: words(row.reason) }),
  );
  if (what)
    photo.append(
      make("span", {
        className: `chip ${what.startsWith("→") ? "relabel" : decision.decision}${decision.pending ? " pending" : ""}`,
        textContent: what,
      }),
    );
  const stays = !decision && (row.verdict === "drop" ? "goes" : "stays");
  const away = row.bits != null && `${row.bits} of 256 bits away`;
  const second = inSet
    ? [stays, away].filter(Boolean).join(", ")
    : view === "suspects"
      ? `maybe ${row.suggested}`
      : fate(row);
  const card = make(
    "div",
    {
      className: `card${decision?.decision === "drop" ? " goes" : ""}${inSet ? " in-set" : ""}`,
      role: "option",
      id: `item-${index}`,
      title: fileOf(row),
    },
    photo,
    make("p", {}, make("b", { textContent: row.label }), inSet ? ` ${row.source}` : ""),
    make("p", {
      textContent: second,
      className: row.verdict === "drop" && !decision ? "gone" : "",
    }),
    make("p", { className: "file", textContent: baseOf(row) }),
  );
  mark(card, index);
  card.ariaPosInSet = index + 1;
  card.ariaSetSize = items.length;
  card.ariaLabel = [row.label, row.title, baseOf(row), fate(row), what && `decided: ${what}`]
    .filter(Boolean)
    .join(", ");
  card.addEventListener("click", (event) => click(index, event));
  card.addEventListener("contextmenu", (event) => {
    if (event.pointerType !== "touch") return;
    event.preventDefault(); // a long touch
    toggle(index);
  });
  return card;
}

function mark(card, index) {
  card.ariaSelected = String(picked.size ? picked.has(index) : index === current);
  card.classList.toggle("current", index === current);
  card.classList.toggle("picked", picked.has(index));
}

function nameOfSet(number) {
  const group = shown[number].map((index) => items[index]);
  const names = [...new Set(group.map((row) => row.label))];
  return view === "conflicts"
    ? `${names.join(" or ")}?`
    : `${names.join(", ")}, ${group.length} times`;
}

/** Go to an image. What was picked is picked no more, but for what `picks` has. */
function go(index, picks = []) {
  const last = current;
  current = Math.min(Math.max(index, 0), Math.max(items.length - 1, 0));
  if (last !== current) $("note").value = "";
  if (items.length) {
    grid.reveal(current);
    $("grid").setAttribute("aria-activedescendant", `item-${current}`);
  } else $("grid").removeAttribute("aria-activedescendant");
  pick(picks);
  if (!picked.size) anchor = current;
  showCurrent();
}

// ---- several images

const range = (a, b) =>
  Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);
/** What a decision is about, in the order on the page. */
const targets = () =>
  (picked.size ? [...picked].sort((a, b) => a - b) : [current]).filter((index) => items[index]);

function pick(indices) {
  picked = new Set(indices);
  for (const [index, card] of grid.cards) mark(card, index);
  showPicked();
}

function showPicked() {
  $("picked").hidden = !picked.size;
  $("picked-count").textContent = `${picked.size.toLocaleString("en")} picked`;
  $("pick-set").hidden = !inSets() || !items.length;
}

function click(index, event) {
  const more = event.ctrlKey || event.metaKey;
  if (event.shiftKey) go(index, [...(more ? picked : []), ...range(anchor, index)]);
  else if (more || (event.pointerType === "touch" && picked.size)) toggle(index);
  else if (index === current && !picked.size) openLarge();
  else go(index);
}

/** Pick one more, or no longer. With the first one more, the image at hand is picked too. */
function toggle(index) {
  const picks = new Set(picked);
  if (!picks.size) picks.add(current);
  if (picked.has(index)) picks.delete(index);
  else picks.add(index);
  go(index, picks);
  anchor = index;
}

function pickSet() {
  if (inSets() && items.length) go(current, shown.find((set) => set.includes(current)));
}

/** Shift and an arrow: the range from where it began to there. */
function extend(index) {
  if (items[index]) go(index, range(anchor, index));
}

let before; // what was picked before a frame is drawn
drawFrames(
  $("grid"),
  $("sheet"),
  () => (before = [...picked]),
  (corners, event) => {
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    pick([...(adds ? before : []), ...grid.inside(corners)]);
    if (picked.size && !picked.has(current)) {
      [current] = picked; // without a scroll: the frame is being drawn
      anchor = current;
      $("grid").setAttribute("aria-activedescendant", `item-${current}`);
      pick(picked);
      showCurrent();
    }
    $("grid").focus({ preventScroll: true });
  },
);

// ---- the image at hand

let loading;
function showCurrent() {
  const row = items[current];
  $("panel").hidden = !row;
  if (!row) return;
  const photo = $("photo");
  photo.hidden = !row.shown;
  $("no-photo").textContent = row.shown ? "" : `Nothing to show: ${words(row.reason)}`;
  $("open-large").disabled = !row.shown;
  clearTimeout(loading);
  if (row.shown && photo.dataset.sha256 !== row.sha256) {
    photo.dataset.sha256 = row.sha256;
    photo.src = small(row);
    photo.alt = `${row.label}: ${row.title ?? row.sha256.slice(0, 12)}`;
    loading = setTimeout(() => (photo.src = large(row)), 150);
  }
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

function showChoice(row) {
  const decision = book.of(row);
  for (const name of ["keep", "drop"]) $(name).ariaPressed = String(decision?.decision === name);
  for (const button of $("numbers").children)
    button.ariaPressed = String(!!decision?.label && decision.label === button.dataset.label);
  $("undo").disabled = !book.canUndo;
  $("accept").hidden = !row.suggested;
  if (row.suggested)
    $("accept").replaceChildren(
      make("span", { textContent: picked.size ? "As suggested" : `It is ${row.suggested}` }),
      make("kbd", { textContent: "A" }),
    );
}

function fillLarge() {
  const set = inSets() ? shown.find((indices) => indices.includes(current)) : [current];
  $("large-photos").replaceChildren(
    ...set.map((index) => {
      const row = items[index];
      const figure = make(
        "figure",
        { className: index === current && set.length > 1 ? "current" : "" },
        make("img", { src: large(row), alt: row.title ?? row.label }),
        make("figcaption", {
          textContent: [
            row.label,
            baseOf(row),
            `${row.width}×${row.height}`,
            row.source,
            fate(row),
            decided(row),
          ]
            .filter(Boolean)
            .join(" · "),
        }),
      );
      figure.addEventListener("click", () => go(index));
      return figure;
    }),
  );
  $("large-text").textContent = `${current + 1} of ${items.length}`;
}

function openLarge() {
  if (!items[current]?.shown || $("large").open) return;
  fillLarge();
  $("large").showModal();
}

// ---- deciding

/**
 * Decide about all that is picked, or about the image at hand; then go on to the next one.
 * `labelOf(row)` gives the class; images without one are left as they are.
 */
function decide(decision, labelOf = () => null) {
  const about = targets();
  const byLabel = new Map(); // class: SHA-256 of its images
  const unclear = new Set(); // the same bytes, picked under two classes
  const seen = new Map();
  for (const row of about.map((index) => items[index])) {
    const label = decision === "keep" ? classToKeep(row) : labelOf(row);
    if (label === null && decision === "relabel") continue;
    if (seen.has(row.sha256) && seen.get(row.sha256) !== label) unclear.add(row.sha256);
    seen.set(row.sha256, label);
  }
  for (const [sha256, label] of seen)
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
  const settled = view === "conflicts" && decision !== "drop";
  go(settled ? (shown.find((set) => set[0] > last)?.[0] ?? last) : last + 1);
}

/** If the same bytes are filed under several classes, to keep one says that its class is right. */
function classToKeep(row) {
  const same = rows.filter((other) => other.sha256 === row.sha256);
  return new Set(same.map((other) => other.raw_label)).size > 1 ? row.raw_label : null;
}

async function undo() {
  const shas = new Set(await book.undo());
  const found = items.flatMap((row, index) => (shas.has(row.sha256) ? [index] : []));
  if (found.length) go(found[0], found.length > 1 ? found : []);
}

function relabel(label) {
  if (label && items.length) decide("relabel", () => label);
}

function accept() {
  if (items.length) decide("relabel", (row) => row.suggested);
}

function takeBack() {
  book.takeBack([...new Set(targets().map((index) => items[index].sha256))]);
}

function onDecisions(changed) {
  const { kept, dropped, relabelled, anew } = book.outlook.changes;
  const parts = [
    [kept, "kept"],
    [dropped, "dropped"],
    [relabelled, "relabelled"],
    [anew, "judged anew"],
  ].filter(([n]) => n);
  $("changes").replaceChildren(
    "Next dvc repro: ",
    ...(parts.length
      ? parts.flatMap(([n, what], i) => [
          i ? ", " : "",
          make("b", { textContent: n.toLocaleString("en") }),
          ` ${what}`,
        ])
      : ["nothing changes"]),
  );
  showTooFew();
  $("doubts").hidden = !book.doubts.length;
  $("doubts").replaceChildren(...book.doubts.map((textContent) => make("p", { textContent })));
  fillLabels();
  const indices = items.flatMap((row, index) => (changed.has(row.sha256) ? [index] : []));
  grid.refresh(indices);
  showCurrent();
}

/** Said before `dvc repro` fails. */
function showTooFew() {
  const { too_few, too_few_stop } = book.outlook;
  const count = too_few.length === 1 ? "1 class has" : `${too_few.length} classes have`;
  $("too-few").hidden = !too_few.length;
  $("too-few-text").textContent =
    `${count} too few images: the next dvc repro ` +
    (too_few_stop ? "will stop at the split stage" : "will leave them out (split.too_few)");
  $("too-few-list").replaceChildren(
    ...too_few.map((textContent) => make("li", { textContent })),
  );
}

let trouble = { text: "", again: false }, // of the server; what the page itself tells comes first
  told = "";
function tell(text) {
  told = text;
  showTrouble();
}

function onTrouble(text, again) {
  trouble = { text, again };
  showTrouble();
}

function showTrouble() {
  const { text, again } = told ? { text: told, again: false } : trouble;
  $("trouble").hidden = !text;
  $("trouble").replaceChildren(
    text,
    ...(again ? [make("button", { textContent: "Reload", onclick: () => location.reload() })] : []),
  );
}

function fillLabels() {
  // a new class comes last, and one that is named no more stays: no other changes its key
  const found = [...new Set([...labels, ...book.labels()])];
  if (found.length === labels.length && $("numbers").children.length) return;
  labels = found;
  $("numbers").replaceChildren(
    ...labels.slice(0, 9).map((label, n) => {
      const button = make(
        "button",
        { title: label, onclick: () => relabel(label) },
        make("kbd", { textContent: n + 1 }),
        make("span", { textContent: label }),
      );
      button.dataset.label = label;
      return button;
    }),
    ...(labels.length > 9
      ? [
          make(
            "button",
            { onclick: openLabels },
            make("kbd", { textContent: "R" }),
            `${labels.length - 9} more…`,
          ),
        ]
      : []),
  );
}

function openLabels() {
  if (!items.length) return;
  $("label-text").value = "";
  listLabels();
  $("labels").showModal();
}

function listLabels() {
  const text = $("label-text").value.trim();
  const key = (label) => label.normalize().toLowerCase();
  const found = labels.filter((label) => key(label).includes(key(text)));
  const choose = (label) => () => {
    $("labels").close();
    relabel(label);
  };
  const buttons = found.map((label) =>
    make(
      "button",
      { type: "button", onclick: choose(label) },
      ...(labels.indexOf(label) < 9
        ? [make("kbd", { textContent: labels.indexOf(label) + 1 })]
        : []),
      label,
    ),
  );
  const same = found.findIndex((label) => key(label) === key(text));
  if (same > 0) buttons.unshift(...buttons.splice(same, 1)); // Enter takes the first
  if (text && same < 0)
    buttons.push(
      make("button", { type: "button", textContent: `New class “${text}”`, onclick: choose(text) }),
    );
  $("label-list").replaceChildren(...buttons);
}

// ---- keys and buttons

const STEPS = {
  j: () => current + 1,
  ArrowRight: () => current + 1,
  ArrowLeft: () => current - 1,
  ArrowDown: () => (items.length ? grid.beside(current, 1) : 0),
  ArrowUp: () => (items.length ? grid.beside(current, -1) : 0),
  Home: () => 0,
  End: () => items.length - 1,
};
const KEYS = {
  k: () => decide("keep"),
  d: () => decide("drop"),
  r: openLabels,
  0: openLabels,
  u: undo,
  Backspace: takeBack,
  a: accept,
  s: pickSet,
  " ": () => toggle(current),
  Escape: () => go(current),
  ...Object.fromEntries(Object.entries(STEPS).map(([key, to]) => [key, () => go(to())])),
  Enter: openLarge,
  n: () => $("note").focus(),
  "?": () => $("help").showModal(),
  "/": () => {
    $("filters").open = true;
    $("filter").elements.text.focus();
  },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (typing && event.key === "Escape") $("grid").focus();
  if (typing && event.target.id === "note" && event.key === "Enter") $("grid").focus();
  const ours = !typing && !document.querySelector("dialog[open]");
  if (ours && (event.ctrlKey || event.metaKey) && event.key === "a" && items.length) {
    event.preventDefault();
    go(current, items.keys());
    return;
  }
  if (
    typing ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    $("help").open ||
    $("labels").open
  )
    return;
  const onControl = event.target.matches("button, a, summary");
  if (onControl && (event.key === "Enter" || event.key === " ")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  let action = /^[1-9]$/.test(key) ? () => relabel(labels[key - 1]) : KEYS[key];
  if (event.shiftKey && key in STEPS) action = () => extend(STEPS[key]());
  if (!action) return;
  event.preventDefault();
  action();
});

$("keep").onclick = () => decide("keep");
$("drop").onclick = () => decide("drop");
$("relabel").onclick = openLabels;
$("undo").onclick = undo;
$("accept").onclick = accept;
$("pick-set").onclick = pickSet;
$("pick-none").onclick = () => go(current);
$("open-large").onclick = openLarge;
$("open-help").onclick = () => $("help").showModal();
$("large-close").onclick = () => $("large").close();
$("labels-close").onclick = () => $("labels").close();
$("label-text").oninput = listLabels;
$("labels").querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  $("label-list").querySelector("button")?.click();
};
for (const dialog of document.querySelectorAll("dialog"))
  dialog.addEventListener("close", () => $("grid").focus());
let soon;
$("filter").oninput = () => {
  clearTimeout(soon);
  soon = setTimeout(writeAddress, 120);
};
$("filter").onsubmit = (event) => event.preventDefault();
addEventListener("hashchange", readAddress);

// ---- start

try {
  const { columns, sets: found } = await api("api/images");
  const names = Object.keys(columns);
  rows = columns.sha256.map((_, n) => ({
    n,
    ...Object.fromEntries(names.map((name) => [name, columns[name][n]])),
  }));
  // classes that come from decisions alone are new: they keep their place after the others
  labels = [...new Set(rows.map((row) => row.raw_label))].sort();
  sets = found;
  fillFilters();
  await book.follow();
  labels = [...new Set([...labels, ...rows.map((row) => row.label)])];
  fillLabels();
  readAddress();
  $("grid").focus({ preventScroll: true });
} catch (error) {
  onTrouble(`The images can't be had: ${error.message}`, true);
}
