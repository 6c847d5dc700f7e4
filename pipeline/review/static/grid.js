// A scrolling box with thousands of cards. Only the cards in view are in the document.

const GAP = 12,
  TEXT = 58,
  PAD = 10,
  HEAD = 26,
  AHEAD = 600; // pixels; AHEAD is drawn beyond the view

export class Grid {
  /** `draw(index)` makes the card of an item, `name(set)` the text above a set. */
  constructor(scroller, sheet, draw, name) {
    Object.assign(this, {
      scroller,
      sheet,
      draw,
      name,
      sets: [],
      inSets: false,
      rows: [],
      drawn: new Map(),
      cards: new Map(),
      place: [],
    });
    scroller.addEventListener("scroll", () => this.#later(), { passive: true });
    new ResizeObserver(() => {
      const width = sheet.clientWidth;
      if (width !== this.width) this.#arrange();
    }).observe(sheet);
  }

  /** Show `sets`: arrays of item indices, which together count from 0 upwards.
   * With `inSets` each gets a panel of its own; without, all cards stand in one grid. */
  show(sets, inSets) {
    this.sets = sets;
    this.inSets = inSets;
    this.#arrange();
  }

  #arrange() {
    this.width = this.sheet.clientWidth;
    this.rows = [];
    this.place = [];
    let top = 0;
    const add = (height, cells, panels) => {
      for (const cell of cells) this.place[cell.index] = { row: this.rows.length, x: cell.x };
      this.rows.push({ top, height, cells, panels });
      top += height + GAP;
    };
    if (this.inSets) this.#arrangeSets(add);
    else this.#arrangePlain(add);
    this.sheet.style.height = `${top}px`;
    this.sheet.replaceChildren();
    this.drawn.clear();
    this.cards.clear();
    this.#render();
  }

  #arrangePlain(add) {
    const items = this.sets.flat();
    const least = this.width < 500 ? 104 : 150;
    const columns = Math.max(2, Math.floor((this.width + GAP) / (least + GAP)));
    this.side = (this.width - GAP * (columns - 1)) / columns;
    for (let n = 0; n < items.length; n += columns) {
      const cells = items
        .slice(n, n + columns)
        .map((index, i) => ({ index, x: i * (this.side + GAP), y: 0 }));
      add(this.side + TEXT, cells, []);
    }
  }

  #arrangeSets(add) {
    const frame = 2 * PAD + GAP; // of a panel with two cards
    const pairs = Math.max(
      1,
      Math.floor((this.width + GAP) / (2 * (this.width < 500 ? 120 : 180) + frame + GAP)),
    );
    this.side = ((this.width - GAP * (pairs - 1)) / pairs - frame) / 2;
    const widthOf = (count) => count * (this.side + GAP) - GAP + 2 * PAD;
    const most = Math.max(2, Math.floor((this.width - 2 * PAD + GAP) / (this.side + GAP)));
    const height = this.side + TEXT + HEAD + PAD;
    let cells = [],
      panels = [],
      x = 0;
    const finish = () => {
      if (panels.length) add(height, cells, panels);
      [cells, panels, x] = [[], [], 0];
    };
    for (const [number, set] of this.sets.entries()) {
      for (let n = 0; n < set.length; n += most) {
        const part = set.slice(n, n + most);
        if (x + widthOf(part.length) > this.width + 1) finish();
        panels.push({ x, width: widthOf(part.length), height, set: number });
        part.forEach((index, i) =>
          cells.push({ index, x: x + PAD + i * (this.side + GAP), y: HEAD }),
        );
        x += widthOf(part.length) + GAP;
      }
    }
    finish();
  }

  #later() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.#render();
    });
  }

  #render() {
    const from = this.scroller.scrollTop - AHEAD;
    const to = this.scroller.scrollTop + this.scroller.clientHeight + AHEAD;
    const wanted = new Set();
    for (let n = this.#rowAt(from); n < this.rows.length && this.rows[n].top < to; n++)
      wanted.add(n);
    for (const [n, element] of this.drawn) {
      if (!wanted.has(n)) {
        for (const image of element.querySelectorAll("img")) image.removeAttribute("src"); // no longer load it
        element.remove();
        this.drawn.delete(n);
        for (const { index } of this.rows[n].cells) this.cards.delete(index);
      }
    }
    for (const n of wanted) if (!this.drawn.has(n)) this.#drawRow(n);
  }

  #rowAt(y) {
    let low = 0,
      high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].top + this.rows[middle].height < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #drawRow(n) {
    const { top, height, cells, panels } = this.rows[n];
    const row = document.createElement("div");
    row.className = "row";
    row.role = "presentation";
    row.style.top = `${top}px`;
    row.style.height = `${height}px`;
    for (const { x, width, height, set } of panels) {
      const panel = document.createElement("div");
      const text = document.createElement("p");
      panel.className = "panel";
      panel.role = "presentation";
      Object.assign(panel.style, { left: `${x}px`, width: `${width}px`, height: `${height}px` });
      text.textContent = this.name(set);
      panel.append(text);
      row.append(panel);
    }
    for (const { index, x, y } of cells) {
      const card = this.draw(index);
      Object.assign(card.style, { left: `${x}px`, top: `${y}px`, width: `${this.side}px` });
      this.cards.set(index, card);
      row.append(card);
    }
    const after = [...this.drawn.keys()].filter((other) => other > n).sort((a, b) => a - b)[0];
    this.sheet.insertBefore(row, this.drawn.get(after) ?? null); // read aloud in order
    this.drawn.set(n, row);
  }

  /** Draw these items anew if they are in view. */
  refresh(indices) {
    for (const index of indices) {
      const before = this.cards.get(index);
      if (!before) continue;
      const card = this.draw(index);
      const image = before.querySelector("img");
      if (image) card.querySelector("img").replaceWith(image); // it doesn't flicker
      card.style.cssText = before.style.cssText;
      before.replaceWith(card);
      this.cards.set(index, card);
    }
  }

  /** Scroll so that an item is whole in view. */
  reveal(index) {
    const row = this.rows[this.place[index]?.row];
    if (!row) return;
    const { scrollTop, clientHeight } = this.scroller;
    const top = this.sheet.offsetTop + row.top;
    if (top - GAP < scrollTop) this.scroller.scrollTop = top - GAP;
    else if (top + row.height + GAP > scrollTop + clientHeight)
      this.scroller.scrollTop = top + row.height + GAP - clientHeight;
    this.#render();
  }

  /** The items whose cards a frame touches. Its corners are places on the sheet, in pixels. */
  inside({ left, top, right, bottom }) {
    const found = [];
    for (let n = this.#rowAt(top); n < this.rows.length && this.rows[n].top < bottom; n++) {
      const row = this.rows[n];
      for (const { index, x, y } of row.cells) {
        const fits = x < right && x + this.side > left;
        if (fits && row.top + y < bottom && row.top + y + this.side + TEXT > top) found.push(index);
      }
    }
    return found;
  }

  /** The item above (-1) or below (+1); the same item if there is none. */
  beside(index, direction) {
    const { row, x } = this.place[index];
    const cells = this.rows[row + direction]?.cells ?? [];
    const near = (cell) => Math.abs(cell.x - x);
    return cells.length
      ? cells.reduce((best, cell) => (near(cell) < near(best) ? cell : best)).index
      : index;
  }
}
