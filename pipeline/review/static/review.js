// The page: which images, which one is at hand, and what is decided about it.
// All text from the web goes in as textContent.

import { api, DecisionBook } from "./book.js";
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
let current = 0,
  view = "all";
let filed = [],
  labels = []; // classes in the data; and those that people have named besides
const book = new DecisionBook(onDecisions, onTrouble);
const grid = new Grid($("grid"), $("sheet"), drawCard, nameOfSet);

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
  const text = (filter.text ?? "").trim().toLowerCase();
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
        [row.title, row.page_url, row.author, row.note, row.sha256].some((value) =>
          value?.toLowerCase().includes(text),
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

const small = (row) => `/images/${row.sha256}/small`;
const large = (row) => `/images/${row.sha256}/large`;
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
    },
    photo,
    make("p", {}, make("b", { textContent: row.label }), inSet ? ` ${row.source}` : ""),
    make("p", {
      textContent: second,
      className: row.verdict === "drop" && !decision ? "gone" : "",
    }),
  );
  card.ariaSelected = String(index === current);
  card.ariaPosInSet = index + 1;
  card.ariaSetSize = items.length;
  card.ariaLabel = [row.label, row.title, fate(row), what && `decided: ${what}`]
    .filter(Boolean)
    .join(", ");
  card.addEventListener("click", () => (index === current ? openLarge() : go(index)));
  return card;
}

function nameOfSet(number) {
  const group = shown[number].map((index) => items[index]);
  const names = [...new Set(group.map((row) => row.label))];
  return view === "conflicts"
    ? `${names.join(" or ")}?`
    : `${names.join(", ")}, ${group.length} times`;
}

function go(index) {
  const last = current;
  current = Math.min(Math.max(index, 0), Math.max(items.length - 1, 0));
  if (last !== current) $("note").value = "";
  grid.cards.get(last)?.setAttribute("aria-selected", "false");
  if (items.length) {
    grid.reveal(current);
    grid.cards.get(current)?.setAttribute("aria-selected", "true");
    $("grid").setAttribute("aria-activedescendant", `item-${current}`);
  } else $("grid").removeAttribute("aria-activedescendant");
  showCurrent();
}

let loading;
function showCurrent() {
  const row = items[current];
  document.querySelector("aside").hidden = !row;
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
      make("span", { textContent: `It is ${row.suggested}` }),
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

function decide(decision, label = null) {
  const row = items[current];
  if (!row) return;
  const classes = new Set(
    rows.filter((other) => other.sha256 === row.sha256).map((other) => other.raw_label),
  );
  if (decision === "keep" && classes.size > 1) label = row.raw_label; // the same bytes under two classes: this one is right
  book.decide({ sha256: row.sha256, decision, label, note: $("note").value.trim() });
  $("note").value = "";
  const settled = view === "conflicts" && decision !== "drop";
  go(settled ? (shown.find((set) => set[0] > current)?.[0] ?? current) : current + 1);
}

async function undo() {
  const sha256 = await book.undo();
  const index = items.findIndex((row) => row.sha256 === sha256);
  if (index >= 0) go(index);
}

function relabel(label) {
  if (label && items.length) decide("relabel", label);
}

function onDecisions(changed) {
  const { kept, dropped, relabelled, anew } = book.changes;
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
  $("doubts").hidden = !book.doubts.length;
  $("doubts").replaceChildren(...book.doubts.map((textContent) => make("p", { textContent })));
  fillLabels();
  const indices = items.flatMap((row, index) => (changed.has(row.sha256) ? [index] : []));
  grid.refresh(indices);
  showCurrent();
}

function onTrouble(text, again) {
  $("trouble").hidden = !text;
  $("trouble").replaceChildren(
    text,
    ...(again ? [make("button", { textContent: "Reload", onclick: () => location.reload() })] : []),
  );
}

function fillLabels() {
  const found = [...new Set([...filed, ...book.labels()])].sort();
  if (found.join("\n") === labels.join("\n")) return;
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
  const found = labels.filter((label) => label.toLowerCase().includes(text.toLowerCase()));
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
  if (text && !labels.includes(text))
    buttons.push(
      make("button", { type: "button", textContent: `New class “${text}”`, onclick: choose(text) }),
    );
  $("label-list").replaceChildren(...buttons);
}

// ---- keys and buttons

const KEYS = {
  k: () => decide("keep"),
  d: () => decide("drop"),
  r: openLabels,
  0: openLabels,
  u: undo,
  Backspace: () => book.takeBack(items[current]),
  a: () => relabel(items[current]?.suggested),
  j: () => go(current + 1),
  ArrowRight: () => go(current + 1),
  ArrowLeft: () => go(current - 1),
  ArrowDown: () => items.length && go(grid.beside(current, 1)),
  ArrowUp: () => items.length && go(grid.beside(current, -1)),
  Home: () => go(0),
  End: () => go(items.length - 1),
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
  const action = /^[1-9]$/.test(key) ? () => relabel(labels[key - 1]) : KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
});

$("keep").onclick = () => decide("keep");
$("drop").onclick = () => decide("drop");
$("relabel").onclick = openLabels;
$("undo").onclick = undo;
$("accept").onclick = () => relabel(items[current]?.suggested);
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
  const { columns, sets: found } = await api("/api/images");
  const names = Object.keys(columns);
  rows = columns.sha256.map((_, n) => ({
    n,
    ...Object.fromEntries(names.map((name) => [name, columns[name][n]])),
  }));
  filed = [...new Set(rows.flatMap((row) => [row.label, row.raw_label]))];
  sets = found;
  fillFilters();
  await book.follow();
  readAddress();
  $("grid").focus({ preventScroll: true });
} catch (error) {
  onTrouble(`The images can't be had: ${error.message}`, true);
}
