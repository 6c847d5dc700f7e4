// Sends each image in its own request, and a few requests at a time, so that each answer is shown
// as soon as it is there.
const AT_ONCE = 4;
const SHOWN = 5;

const find = (selector, inside = document) => inside.querySelector(selector);
const copy = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);
const percent = (share) => {
  const decimals = share < 0.0995 || share > 0.9949 ? 1 : 0;
  return `${Number((share * 100).toFixed(decimals))}%`;
};
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

const answers = find("#answers");
const status = find("#status");
const waiting = [];
let running = 0,
  asked = 0,
  done = 0;

async function send(path, file) {
  for (;;) {
    const form = new FormData();
    form.append("files", file, file.name);
    const response = await fetch(path, { method: "POST", body: form });
    if (response.status === 429) {
      await pause(Number(response.headers.get("retry-after")) || 1);
      continue;
    }
    if (response.ok) return response;
    const unknown = { detail: `The server answers with the status ${response.status}.` };
    throw new Error((await response.json().catch(() => unknown)).detail);
  }
}

const ask = async (path, file) => (await send(path, file)).json();

function reasonOf(error) {
  return error instanceof TypeError ? "The server can't be reached." : error.message;
}

function add(files) {
  for (const file of files) {
    const tile = copy("answer");
    const image = find("img", tile);
    image.src = URL.createObjectURL(file);
    image.addEventListener("error", () => showThumbnail(file, tile), { once: true });
    find("figcaption", tile).textContent = find("figcaption", tile).title = file.name;
    answers.append(tile);
    waiting.push([file, tile]);
    asked += 1;
  }
  find("#clear").hidden = asked === 0;
  tell("");
  next();
}

// Few browsers can show HEIC and TIFF, so the server makes a small JPEG of them.
async function showThumbnail(file, tile) {
  const image = find("img", tile);
  const hide = () => {
    find(".image", tile).hidden = true;
  };
  image.addEventListener("error", hide);
  URL.revokeObjectURL(image.src);
  try {
    image.src = URL.createObjectURL(await (await send("v1/thumbnail", file)).blob());
  } catch {
    hide();
  }
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    const [file, tile] = waiting.shift();
    answer(file, tile).finally(() => {
      running -= 1;
      done += tile.isConnected;
      tell(tile.isConnected ? `${file.name}: ${find("h2", tile).textContent}` : "");
      next();
    });
  }
}

function tell(latest) {
  status.textContent = asked ? `${done} of ${asked} answered. ${latest}` : "";
}

async function answer(file, tile) {
  const heading = find("h2", tile);
  const note = find(".note", tile);
  try {
    const {
      model,
      predictions: [found],
    } = await ask(`v1/predict?top=${SHOWN}`, file);
    await known;
    if (model !== about.sha256) await readAbout(); // the server has loaded a new model
    const sure = found.label !== null;
    heading.textContent = sure ? found.label : "None of these";
    note.textContent = sure ? "" : "The image does not look enough like one of the classes. The likeliest are:";
    find("img", tile).alt = sure ? `Image of: ${found.label}` : "Image";
    find(".guesses", tile).append(...found.top.map((guess) => row(guess, file, tile)));
    if (about.learn_into !== null) offerToLearn(file, tile);
  } catch (error) {
    tile.classList.add("failed");
    heading.textContent = "Not answered";
    note.textContent = reasonOf(error);
  } finally {
    tile.removeAttribute("aria-busy");
  }
}

// The image goes into the person's own folder, as the class that they name.
function offerToLearn(file, tile) {
  const box = find(".learn", tile);
  const [form, select, other, told] = ["form", "select", ".new", "[role=status]"].map((selector) =>
    find(selector, box),
  );
  select.append(...about.labels.map((label) => new Option(label)), new Option("a new class …"));
  const isNew = () => select.selectedIndex === select.length - 1;
  select.addEventListener("change", () => {
    other.hidden = !isNew();
    find("input", other).required = isNew();
    told.textContent = "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const label = isNew() ? find("input", other).value.trim() : select.value;
    told.textContent = "Keeping it …";
    try {
      const query = new URLSearchParams({ label, new: isNew() });
      const kept = await ask(`v1/learn?${query}`, file);
      told.textContent = kept.new
        ? `Kept as "${kept.label}". The next training learns from it.`
        : `The image was already there as "${kept.label}".`;
    } catch (error) {
      told.textContent = reasonOf(error);
    }
  });
  box.hidden = false;
}

function row(guess, file, tile) {
  const line = copy("guess");
  const button = find("button", line);
  find(".label", line).textContent = guess.label;
  find(".percent", line).textContent = percent(guess.confidence);
  find(".fill", line).style.width = `${guess.confidence * 100}%`;
  button.setAttribute(
    "aria-label",
    `${guess.label}, ${percent(guess.confidence)}: show what in the image decided`,
  );
  button.addEventListener("click", () => toggle(button, guess.label, file, tile));
  return line;
}

async function toggle(button, label, file, tile) {
  const shown = button.getAttribute("aria-pressed") === "true";
  for (const other of tile.querySelectorAll("[aria-pressed]"))
    other.setAttribute("aria-pressed", "false");
  find("canvas", tile).hidden = true;
  const legend = find(".legend", tile);
  legend.hidden = shown;
  if (shown) return;
  button.setAttribute("aria-pressed", "true");
  legend.textContent = "Looking …";
  let text;
  try {
    const found = await ask(`v1/explain?label=${encodeURIComponent(label)}`, file);
    if (button.getAttribute("aria-pressed") !== "true") return;
    const most = Math.max(...found.importance.flat());
    if (most >= 0.01) paint(find("canvas", tile), found.importance, most);
    text =
      most < 0.01
        ? `No single area of the image makes "${label}" more likely.`
        : `The coloured areas speak for "${label}". Without the strongest one, its probability falls by ${Math.round(100 * most)} points.`;
  } catch (error) {
    text = reasonOf(error);
  }
  legend.textContent = text;
}

function paint(canvas, rows, most) {
  const [height, width] = [rows.length, rows[0].length];
  const pixels = new ImageData(width, height);
  rows.flat().forEach((value, i) => {
    pixels.data.set([255, 0, 128, Math.max(0, value / most) * 190], i * 4);
  });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(pixels, 0, 0); // the browser enlarges and smooths it
  canvas.hidden = false;
}

const drop = find("#drop");
const images = (transfer) => [...transfer.files];
for (const input of [find("#choose"), find("#photograph")]) {
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
}
drop.addEventListener("submit", (event) => event.preventDefault());
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add(images(event.dataTransfer));
});
addEventListener("paste", (event) => add(images(event.clipboardData)));
find("#clear").addEventListener("click", () => {
  for (const image of answers.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  answers.replaceChildren();
  waiting.length = asked = done = 0;
  find("#clear").hidden = true;
  tell("");
  find("#choose").focus();
});

let about = { labels: [], sha256: "", learn_into: null };
async function readAbout() {
  about = await (await fetch("v1/model")).json();
  const some = about.labels.slice(0, 12).join(", ");
  find("#model").textContent =
    about.labels.length > 12
      ? `${about.labels.length} classes: ${some}, …`
      : `The classes: ${some}.`;
}
const known = readAbout();
