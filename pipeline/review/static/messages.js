// What the page says at its top: what the decisions will do, and what went wrong.

import { $, make } from "./dom.js";
import { book } from "./state.js";

/** What the next `dvc repro` will make of the decisions. */
export function showOutlook() {
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
}

/** Classes with too few images, named before `dvc repro` fails. */
function showTooFew() {
  const { too_few, too_few_stop } = book.outlook;
  const count = too_few.length === 1 ? "1 class has" : `${too_few.length} classes have`;
  $("too-few").hidden = !too_few.length;
  $("too-few-text").textContent =
    `${count} too few images: the next dvc repro ` +
    (too_few_stop ? "will stop at the split stage" : "will leave them out (split.too_few)");
  $("too-few-list").replaceChildren(...too_few.map((textContent) => make("li", { textContent })));
}

let told = "", // by the page itself, which comes first
  trouble = { text: "", again: false }; // of the server

/** Say something about what was just done; an empty text takes it away. */
export function tell(text) {
  told = text;
  showTrouble();
}

/** Say what is wrong with the server. `again`: a reload would help. */
export function tellTrouble(text, again) {
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
