// A frame that the mouse draws around images, to pick them all.

const FROM = 6, // pixels: less is a click
  EDGE = 40; // near the edge of the box, it scrolls

/**
 * `pick(corners, event)` is called while the frame is drawn, and `begin()` before the first time.
 * Corners are places on the sheet: {left, top, right, bottom} in pixels.
 */
export function drawFrames(scroller, sheet, begin, pick) {
  let start = null,
    last = null,
    frame = null,
    drew = false;

  const place = (event) => {
    const box = sheet.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  function draw() {
    const now = place(last);
    const corners = {
      left: Math.min(start.x, now.x),
      right: Math.max(start.x, now.x),
      top: Math.min(start.y, now.y),
      bottom: Math.max(start.y, now.y),
    };
    Object.assign(frame.style, {
      left: `${corners.left}px`,
      top: `${corners.top}px`,
      width: `${corners.right - corners.left}px`,
      height: `${corners.bottom - corners.top}px`,
    });
    pick(corners, last);
  }

  function scrollAtEdge() {
    if (!frame) return;
    const box = scroller.getBoundingClientRect();
    const beyond =
      Math.min(0, last.clientY - box.top - EDGE) + Math.max(0, last.clientY - box.bottom + EDGE);
    if (beyond) {
      scroller.scrollTop += beyond / 2;
      draw();
    }
    requestAnimationFrame(scrollAtEdge);
  }

  scroller.addEventListener("pointerdown", (event) => {
    const box = scroller.getBoundingClientRect();
    const onScrollbar = event.clientX > box.left + scroller.clientWidth;
    if (event.button || event.pointerType === "touch" || onScrollbar) return;
    start = place(event);
    drew = false;
  });
  // a frame that ends makes a click, which must not reach the card under it
  scroller.addEventListener("click", (event) => drew && event.stopPropagation(), true);
  addEventListener("pointermove", (event) => {
    if (!start) return;
    last = event;
    if (!frame) {
      const { x, y } = place(event);
      if (Math.hypot(x - start.x, y - start.y) < FROM) return;
      frame = document.createElement("div");
      frame.className = "frame";
      sheet.append(frame);
      begin();
      requestAnimationFrame(scrollAtEdge);
    }
    draw();
  });
  const finish = () => {
    if (frame) {
      frame.remove();
      drew = true;
    }
    start = frame = null;
  };
  addEventListener("pointerup", finish);
  addEventListener("pointercancel", finish);
}
