// The classes to choose from: nine of them on number keys, all of them in a list.

import { relabel } from "./deciding.js";
import { $, make } from "./dom.js";
import { book, state } from "./state.js";

const ON_KEYS = 9;

/** Show the classes. A new one comes last and none ever goes, so that no other changes its key. */
export function showClasses() {
  const found = [...new Set([...state.labels, ...book.labels()])];
  if (found.length === state.labels.length && $("numbers").children.length) return;
  state.labels = found;
  const others = found.length - ON_KEYS;
  $("numbers").replaceChildren(
    ...found.slice(0, ON_KEYS).map((label, n) => {
      const button = make(
        "button",
        { title: label, onclick: () => relabel(label) },
        make("kbd", { textContent: n + 1 }),
        make("span", { textContent: label }),
      );
      button.dataset.label = label;
      return button;
    }),
    ...(others > 0
      ? [
          make(
            "button",
            { onclick: openClasses },
            make("kbd", { textContent: "R" }),
            `${others} more…`,
          ),
        ]
      : []),
  );
}

/** Open the list of all classes. */
export function openClasses() {
  if (!state.items.length) return;
  $("label-text").value = "";
  list();
  $("labels").showModal();
}

/** Show the classes that have the typed text in them, and offer it as a new class. */
function list() {
  const text = $("label-text").value.trim();
  const key = (label) => label.normalize().toLowerCase();
  const found = state.labels.filter((label) => key(label).includes(key(text)));
  const choose = (label) => () => {
    $("labels").close();
    relabel(label);
  };
  const buttons = found.map((label) => {
    const number = state.labels.indexOf(label) + 1;
    return make(
      "button",
      { type: "button", onclick: choose(label) },
      ...(number <= ON_KEYS ? [make("kbd", { textContent: number })] : []),
      label,
    );
  });
  const same = found.findIndex((label) => key(label) === key(text));
  if (same > 0) buttons.unshift(...buttons.splice(same, 1)); // Enter takes the first
  if (text && same < 0)
    buttons.push(
      make("button", { type: "button", textContent: `New class “${text}”`, onclick: choose(text) }),
    );
  $("label-list").replaceChildren(...buttons);
}

$("labels-close").onclick = () => $("labels").close();
$("label-text").oninput = list;
$("labels").querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  $("label-list").querySelector("button")?.click();
};
