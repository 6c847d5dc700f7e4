// Where the page starts: it reads all images, then all decisions, and shows them.

import { api } from "./book.js";
import { showClasses } from "./classes.js";
import { $ } from "./dom.js";
import { fillFilters, readAddress } from "./filters.js";
import "./keys.js";
import { showOutlook, tellTrouble } from "./messages.js";
import { openLarge, showCurrent } from "./panel.js";
import { grid, onMove } from "./picking.js";
import { book, state } from "./state.js";

function showDecisions(changed) {
  showOutlook();
  showClasses();
  grid.refresh(state.items.flatMap((row, index) => (changed.has(row.sha256) ? [index] : [])));
  showCurrent();
}

onMove(showCurrent, openLarge);
book.onChange = showDecisions;
book.onTrouble = tellTrouble;

try {
  const { columns, sets } = await api("api/images");
  const names = Object.keys(columns);
  state.rows = columns.sha256.map((_, n) => ({
    n,
    ...Object.fromEntries(names.map((name) => [name, columns[name][n]])),
  }));
  state.sets = sets;
  // a class that only a decision names is new: it comes after those that images came with
  state.labels = [...new Set(state.rows.map((row) => row.raw_label))].sort();
  fillFilters();
  await book.follow();
  state.labels = [...new Set([...state.labels, ...state.rows.map((row) => row.label)])];
  showClasses();
  readAddress();
  $("grid").focus({ preventScroll: true });
} catch (error) {
  tellTrouble(`The images can't be had: ${error.message}`, true);
}
