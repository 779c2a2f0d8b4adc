/* Showing an answer of POST /api/read in the page: the second half of companion.js, which calls
 * show(). mnist_core/views/answer_view.py and number_view.py say what stands there. */

const SIDE = 336; // of the canvas, in its own pixels
const percent = (p) =>
  p > 0 && p < 0.005 ? "<1%" : p >= 0.995 && p < 1 ? ">99%" : `${(p * 100).toFixed(0)}%`;
const made = (tag, properties) => Object.assign(document.createElement(tag), properties);

function show(answer, strokes) {
  const reading = document.querySelector(".reading");
  if (isAnswered(reading)) return;
  shown = {answer, strokes};
  reading?.classList.add("moving");
  reading?.classList.toggle("several", answer.digits > 1);
  reading?.style.setProperty("--digits", answer.digits);
  for (const slot of ["dense", "cnn"]) {
    const card = document.querySelector(`.st-key-answer-${slot}`);
    if (!card || !answer[slot].probabilities) continue;
    move_bars(card, answer[slot]);
    if (answer.digits > 1) show_number(card, answer[slot].number, answer.each.map((one) => one[slot]));
  }
  const images = answer.digits > 1 ? answer.each.map((one) => one.image) : [answer.image];
  const figure = document.querySelector(".st-key-network-input");
  if (figure) show_images(figure, images);
  show_boxes(answer.each.map((one) => one.box));
  const words = document.querySelector(".reading .agreement");
  if (words) words.replaceChildren(...verdict(answer));
}

/* Whether the rerun after the last stroke has been faster than our answer: it shows more. */
const isAnswered = (reading) =>
  !stroke &&
  reading?.matches(":not(.moving)") &&
  Number(reading.dataset.strokes) === ink.strokes.length;

function move_bars(card, {digit, probabilities, is_digit}) {
  card.classList.replace("at-rest", "answered");
  const large = card.querySelector(".large-digit");
  if (large) {
    large.textContent = digit;
    large.classList.toggle("faint", !is_digit);
  }
  for (const bar of all(".bar[data-digit]", card)) {
    const p = probabilities[bar.dataset.digit];
    bar.style.setProperty("--p", p.toFixed(4));
    bar.classList.toggle("best", Number(bar.dataset.digit) === digit);
    bar.querySelector(".percent").textContent = percent(p);
  }
}

/* Of several digits: the number, and a bar for each of them. */
function show_number(card, number, each) {
  const large = card.querySelector(".large-digit");
  large.textContent = number;
  large.classList.remove("faint");
  const bars = card.querySelector(".each") ?? card.appendChild(made("div", {className: "bars each"}));
  bars.replaceChildren(
    ...each.slice(0, 10).map(({digit, confidence, is_digit}) => {
      const bar = made("div", {className: is_digit ? "bar" : "bar faint"});
      bar.style.setProperty("--p", confidence.toFixed(4));
      const track = made("span", {className: "track"});
      track.append(made("i", {}));
      bar.append(made("span", {textContent: digit}), track);
      bar.append(made("span", {className: "percent", textContent: percent(confidence)}));
      return bar;
    }),
  );
}

function show_images(figure, addresses) {
  while (figure.children.length > addresses.length) figure.lastChild.remove();
  while (figure.children.length < addresses.length) figure.append(made("img", {alt: ""}));
  addresses.forEach((address, index) => (figure.children[index].src = address));
}

function show_boxes(boxes) {
  const over = document.querySelector(".st-key-canvas .boxes");
  over?.replaceChildren(
    ...boxes.map((box) => {
      const [left, top, right, bottom] = box.map((side) => Math.min(Math.max(side, 0), SIDE));
      const sides = {left, top, width: right - left, height: bottom - top};
      const frame = document.createElement("i");
      for (const [name, px] of Object.entries(sides)) frame.style[name] = `${(px / SIDE) * 100}%`;
      return frame;
    }),
  );
}

function verdict({dense, cnn, digits}) {
  const bold = (number) => made("b", {textContent: number});
  if (!dense.probabilities || !cnn.probabilities) return [];
  if (digits === 1 && !dense.is_digit && !cnn.is_digit) return ["Both say that this is no digit."];
  if (dense.number !== cnn.number) {
    return ["⇄ They disagree: ", bold(dense.number), " against ", bold(cnn.number), "."];
  }
  const article = digits > 1 ? "" : cnn.number === "8" ? "an " : "a ";
  return [`✓ Both read ${article}`, bold(cnn.number), "."];
}
