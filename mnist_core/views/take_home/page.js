// The canvas, and what the network says of it while the pen moves.
"use strict";

const network = unpackNetwork(JSON.parse(document.getElementById("network").textContent));
const canvas = document.getElementById("canvas"), pen = canvas.getContext("2d", {
  willReadFrequently: true });
const WIDTH_PX = 18; // of the pen, in the canvas's own 336 pixels
let strokes = [], current = null, waiting = false;
let pointer = null, byTouch = false; // that draws: no palm or second finger joins in

const percent = (p) =>
  p > 0 && p < 0.005 ? "<1%" : p >= 0.995 && p < 1 ? ">99%" : `${(p * 100).toFixed(0)}%`;

function redraw() {
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { lineWidth: WIDTH_PX, lineCap: "round", lineJoin: "round",
                       strokeStyle: "#fff" });
  for (const points of strokes) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]); // a dot
    pen.stroke();
  }
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  }
}

// Reads an RGBA picture; null where there is no ink.
function read(rgba, width, height) {
  const image = mnistImage(rgba, width, height);
  return image && { image, ...answer(network, image) };
}

function show() {
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const start = performance.now();
  const said = read(data, canvas.width, canvas.height);
  const seconds = (performance.now() - start) / 1000;
  document.body.classList.toggle("blank", said === null);
  document.getElementById("digit").textContent = said ? said.digit : "";
  document.getElementById("digit").classList.toggle("faint", said !== null && !said.isDigit);
  document.getElementById("remark").textContent = !said
    ? "Draw a digit, 0 to 9."
    : said.isDigit
      ? `Read in ${(seconds * 1000).toFixed(0)} ms, on this device.`
      : "This doesn’t look like a single digit.";
  document.querySelectorAll(".bar").forEach((bar, digit) => {
    const share = said ? said.probabilities[digit] : 0;
    bar.classList.toggle("best", said !== null && digit === said.digit);
    bar.querySelector("i").style.width = `${share * 100}%`;
    bar.lastElementChild.textContent = said ? percent(share) : "";
  });
  showImage(said && said.image);
}

function showImage(image) {
  const seen = document.getElementById("seen"), context = seen.getContext("2d");
  const pixels = context.createImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    pixels.data.fill(image ? Math.round(image[i] * 255) : 0, 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width,
          (event.clientY - box.top) * canvas.height / box.height];
}

canvas.addEventListener("pointerdown", (event) => {
  const takesOver = byTouch && event.pointerType === "pen"; // from a palm that landed first
  if ((current !== null && !takesOver) || event.button > 0) return;
  strokes = strokes.filter((one) => one !== current);
  pointer = event.pointerId;
  byTouch = event.pointerType === "touch";
  canvas.setPointerCapture(pointer);
  current = [place(event)];
  strokes.push(current);
  redraw();
});
canvas.addEventListener("pointermove", (event) => {
  if (current === null || event.pointerId !== pointer) return;
  current.push(...(event.getCoalescedEvents?.() ?? [event]).map(place));
  redraw();
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(kind, (event) => {
    if (event.pointerId === pointer) current = null;
  });
}
document.getElementById("undo").addEventListener("click", () => {
  strokes.pop();
  redraw();
});
document.getElementById("clear").addEventListener("click", () => {
  strokes = [];
  redraw();
});
redraw();
