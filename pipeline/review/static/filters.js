// Which images are shown: the view, the filter and the order. The page's address holds all three.

import { $, make, words } from "./dom.js";
import { go, grid } from "./picking.js";
import { book, count, inSets, rowsOf, setsOf, state, VIEWS } from "./state.js";

const SORTS = {
  label: (row) => row.label,
  small: (row) => row.width * row.height,
  large: (row) => -row.width * row.height,
  blurred: (row) => row.sharpness ?? -1,
  dark: (row) => row.brightness ?? -1,
  light: (row) => -(row.brightness ?? -1),
  flat: (row) => row.contrast ?? -1,
};

export function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const first = () => Object.keys(VIEWS).find((name) => count(name)) ?? "all";
  state.view = asked.get("view") in VIEWS ? asked.get("view") : first();
  for (const field of $("filter").elements) field.value = asked.get(field.name) ?? "";
  for (const link of $("views").children) {
    if (link.dataset.view === state.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  $("views").querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  for (const select of $("filter").querySelectorAll("select"))
    if (select.selectedIndex < 0) select.value = "";
  showImages();
}

function writeAddress() {
  const address = new URLSearchParams({ view: state.view });
  for (const [name, value] of new FormData($("filter"))) if (value) address.set(name, value);
  history.replaceState(null, "", `#${address}`);
  showImages();
}

/** Show what fits view and filter. A decision never calls this: no image jumps under the hand. */
function showImages() {
  const filter = Object.fromEntries(new FormData($("filter")));
  const before = state.items[state.current];
  const groups = ordered(found(filter), filter.sort);
  state.items = groups.flat();
  let next = 0;
  state.shown = groups.map((group) => group.map(() => next++));
  const same = before ? state.items.findIndex((item) => item.n === before.n) : 0;
  state.current = state.anchor = Math.max(0, same);
  state.picked = new Set();
  grid.show(state.shown, inSets());
  const what = inSets() ? `${groups.length} sets` : `${state.items.length} images`;
  $("shown").textContent = `· ${what}`;
  $("nothing").hidden = state.items.length > 0;
  $("nothing").textContent = whyNothing();
  go(state.current);
}

/** Groups of rows: sets that have at least one fitting image, or one group for each fitting row. */
function found(filter) {
  const fits = fitting(filter);
  const { rows, view } = state;
  if (!inSets())
    return rowsOf(view)
      .filter(fits)
      .map((row) => [row]);
  return setsOf(view)
    .filter((set) => set.rows.some((n) => fits(rows[n])))
    .map((set) => set.rows.map((n, i) => ({ ...rows[n], bits: set.bits[i] })));
}

function fitting(filter) {
  const text = (filter.text ?? "").trim().normalize().toLowerCase();
  const hasText = (value) => value?.normalize().toLowerCase().includes(text);
  const isDecided = {
    "": () => true,
    no: (decision) => !decision,
    yes: (decision) => !!decision,
  }[filter.decided ?? ""];
  return (row) => {
    const decision = book.of(row)?.decision;
    return (
      (!filter.label || row.label === filter.label || row.raw_label === filter.label) &&
      (!filter.source || row.source === filter.source) &&
      (!filter.reason || row.reason === filter.reason || row.flags.includes(filter.reason)) &&
      (isDecided ? isDecided(decision) : decision === filter.decided) &&
      (!text ||
        [row.name, row.file, row.title, row.page_url, row.author, row.note, row.sha256].some(
          hasText,
        ))
    );
  };
}

/** Groups in the order of their first images. */
function ordered(groups, sort) {
  const key = SORTS[sort] ?? (state.view === "suspects" ? (row) => row.suspect : null);
  if (!key) return groups;
  return groups
    .map((group) => [key(group[0]), group])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, group]) => group);
}

function whyNothing() {
  if (count(state.view)) return "Nothing fits this filter.";
  return state.view === "suspects"
    ? "No suspected labels: look for some with dvc repro audit/dvc.yaml"
    : "Nothing here.";
}

/** The links to the views, and what each filter can be set to. */
export function fillFilters() {
  const fill = (name, values) => {
    const unique = [...new Set(values)].filter(Boolean).sort();
    $("filter").elements[name].replaceChildren(
      make("option", { value: "", textContent: "all" }),
      ...unique.map((value) => make("option", { value, textContent: words(value) })),
    );
  };
  const valuesOf = (values) => state.rows.flatMap(values);
  fill(
    "label",
    valuesOf((row) => [row.label, row.raw_label]),
  );
  fill(
    "source",
    valuesOf((row) => row.source),
  );
  fill(
    "reason",
    valuesOf((row) => [row.reason, ...row.flags]),
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

let soon;
$("filter").oninput = () => {
  clearTimeout(soon);
  soon = setTimeout(writeAddress, 120); // not at each letter that is typed
};
$("filter").onsubmit = (event) => event.preventDefault();
addEventListener("hashchange", readAddress);
