/* The pen's companion: while a pen moves over the canvas, asks POST /api/read what both networks
 * make of the strokes so far, and moves the page's bars and the 28x28 image, without a rerun.
 *
 * It sees the events that the canvas sees and keeps the points that the canvas keeps, with their
 * times; what was on the canvas before, Python tells it. Where it cannot see or ask, the page works
 * as without it: the answer that Streamlit's own rerun brings replaces everything shown here.
 */

const MOST_POINTS = 2000; // what the route takes
const MOST_TIMES_A_SECOND = 10;
const AFTER_FAILURE_MS = 2000;
const MOST_DRAWN = 100; // strokes whose times are remembered
const GRID = 64; // a pixel: where the brush puts the points anyway (mnist_core/ink/brush.py)

/* What is on the canvas: strokes as {points: [[x, y, ms], ...], width}, their times from `began` on;
 * and what was drawn here lately. Kept by the page, not by one mounting of this component, and read
 * by the replay. */
const ink = (window.mnistInk ??= {
  version: null, strokes: [], isPicture: false, began: 0, drawn: [],
});
const name = Math.random().toString(36).slice(2); // by which the server counts our requests

let address = "api/read"; // of the route
let stroke = null; // the one under way
let finger = null; // that draws, as last seen: a Touch, or the mouse's event
let underWay = false; // whether a request is
let isStale = false; // whether there is ink that no request has told of
let earliest = 0; // when we may ask again while the pen moves; Infinity: not before it is lifted
let shown = null; // the latest answer
let timer = 0;
let mounted = null;

const now = () => performance.now();
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/* ---- Watching the pen */

function canvasOf(event) {
  // The canvas lies in an open shadow root; its path begins at the element that was touched.
  const touched = event.composedPath()[0];
  const within = event.composedPath().some((e) => e.classList?.contains("st-key-canvas"));
  return within && touched instanceof HTMLCanvasElement ? touched : null;
}

const fingerOf = (event) => event.changedTouches?.[0] ?? event;

function place() {
  const box = stroke.canvas.getBoundingClientRect();
  const scale = stroke.canvas.width / box.width;
  // In few letters, or a long drawing is more than the route takes; nothing is read otherwise.
  const put = (px) => Math.round((100 * Math.round(px * scale * GRID)) / GRID) / 100;
  return [put(finger.clientX - box.left), put(finger.clientY - box.top), Math.round(now() - ink.began)];
}

function down(event) {
  const canvas = canvasOf(event);
  if (!canvas || stroke || ink.isPicture || event.button > 0) return;
  clearTimeout(timer);
  finger = fingerOf(event);
  stroke = {canvas, points: []};
  if (!ink.strokes.length) ink.began = now();
  stroke.points.push(place());
  ink.strokes.push(stroke);
  isStale = true;
  timer = setTimeout(ask, 0);
}

function move(event) {
  if (!stroke) return;
  const last = finger;
  const moved = fingerOf(event);
  if (moved.identifier !== last.identifier) return; // another one, or a palm
  finger = moved;
  // As the canvas does: no point at the place of the last, except right after the first.
  const isThere = moved.clientX === last.clientX && moved.clientY === last.clientY;
  if (stroke.points.length > 1 && isThere) return;
  stroke.points.push(place());
  isStale = true;
  ask();
}

function up(event) {
  if (!stroke || event.touches?.length) return;
  stroke.width = widthOf(stroke);
  delete stroke.canvas;
  ink.drawn = [...ink.drawn, stroke].slice(-MOST_DRAWN);
  stroke = null;
  isStale = true;
  ask(true);
}

/* Of the brush: what the canvas draws with by the time that the pen moves. */
const widthOf = (one) => one.width ?? one.canvas.getContext("2d").lineWidth;

/* ---- Asking */

function ask(isLast = false) {
  clearTimeout(timer);
  if (!isStale || underWay || ink.isPicture) return; // the answer under way asks again
  const wait = isLast || !stroke ? 0 : earliest - now();
  if (wait <= 0) return void send();
  if (wait < Infinity) timer = setTimeout(ask, wait);
}

async function send() {
  const told = ink.strokes.map((one) => one.points.map((point) => [...point]));
  const version = ink.version;
  if (told.reduce((sum, points) => sum + points.length, 0) > MOST_POINTS) return;
  underWay = true;
  isStale = false;
  const began = now();
  let pause = 1000 / MOST_TIMES_A_SECOND;
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-Client": name},
      body: JSON.stringify({strokes: told, width: ink.strokes.map(widthOf)}),
      signal: AbortSignal.timeout(5000),
    });
    const answer = await response.json();
    if (response.ok) {
      pause = answer.pause_ms ?? Infinity;
      if (version === ink.version) show(answer, told.length);
    } else if (response.status === 413) {
      pause = Infinity;
    } else {
      pause = 1000 * (response.headers.get("Retry-After") ?? 0) || pause;
    }
  } catch {
    pause = AFTER_FAILURE_MS; // the server is away; the rerun that follows it back will answer
  }
  underWay = false;
  earliest = began + pause;
  ask();
}

/* A rerun brings the answer to an earlier stroke while the next one is drawn: show ours again. */
const replaced = new MutationObserver((changes) => {
  const isReading = (node) => node.nodeType === 1 && node.matches(".reading, :has(> .reading)");
  if (!stroke || !shown || shown.strokes < ink.strokes.length) return;
  if (changes.some((change) => [...change.addedNodes].some(isReading))) {
    show(shown.answer, shown.strokes);
  }
});

/* A stroke that Python tells of, with its times where it was drawn here: Undo, Redo and a change of
 * page draw the canvas anew. */
function withTimes({points, width}) {
  const near = ([x, y], [otherX, otherY]) => Math.hypot(x - otherX, y - otherY) < 0.3;
  const own = ink.drawn.findLast(
    (one) => near(one.points[0], points[0]) && near(one.points.at(-1), points.at(-1)),
  );
  return {points: own?.points ?? points, width};
}

export default function ({data}) {
  address = data.address;
  if (data.version !== ink.version) {
    const strokes = data.strokes.map(withTimes);
    Object.assign(ink, {version: data.version, strokes, isPicture: data.isPicture});
    stroke = shown = null; // another canvas took the place of the one that was drawn on
  }
  mounted?.abort();
  mounted = new AbortController();
  const listen = {capture: true, passive: true, signal: mounted.signal};
  for (const kind of ["mousedown", "touchstart"]) document.addEventListener(kind, down, listen);
  for (const kind of ["mousemove", "touchmove"]) document.addEventListener(kind, move, listen);
  for (const kind of ["mouseup", "touchend", "touchcancel"]) {
    document.addEventListener(kind, up, listen);
  }
  replaced.observe(document.querySelector(".stMain") ?? document.body, {
    childList: true,
    subtree: true,
  });
  mounted.signal.addEventListener("abort", () => replaced.disconnect());
  const mine = mounted;
  return () => mine.abort();
}
