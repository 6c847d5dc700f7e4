// Short names for what the page does with its elements.
// Text from the web only ever becomes textContent, so it can't bring elements of its own.

export const $ = (id) => document.getElementById(id);

export const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** "near_duplicate" as words: "near duplicate". */
export const words = (reason) => reason.replaceAll("_", " ");
