// What the page knows: all images, which of them are shown, and which one is at hand.

import { DecisionBook } from "./book.js";

export const state = {
  rows: [], // all images that clean knows
  sets: [], // sets of images that show the same: {kind, rows, bits}
  view: "all",
  items: [], // the rows that are shown, in order
  shown: [], // the same as sets: arrays of indices into `items`
  current: 0, // index of the image at hand
  anchor: 0, // index where a range of images begins
  picked: new Set(), // indices of the images to decide about together; empty: the one at hand
  labels: [], // the classes in the data, then the new ones that people have named
};

export const book = new DecisionBook();

export const VIEWS = {
  conflicts: "Label conflicts",
  duplicates: "Near-duplicates",
  suspects: "Suspected labels",
  dropped: "Dropped",
  flagged: "Flagged",
  all: "All",
};

/** The flags that clean gave it. A decision is no finding. */
export const flagsOf = (row) => row.flags.filter((flag) => flag !== "reviewed");

const BELONGS = {
  suspects: (row) => row.suspect !== null,
  dropped: (row) => row.verdict === "drop",
  flagged: (row) => row.verdict === "keep" && flagsOf(row).length > 0,
  all: () => true,
};

/** Does a view show sets of images? The other views show single images. */
export const inSets = (view = state.view) => !(view in BELONGS);
export const setsOf = (view) => state.sets.filter((set) => set.kind === view);
export const rowsOf = (view) => state.rows.filter(BELONGS[view]);
export const count = (view) => (inSets(view) ? setsOf(view) : rowsOf(view)).length;
