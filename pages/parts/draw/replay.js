/* Replay: asks POST /api/replay what both networks said at every moment of the drawing on the
 * canvas, and plays it, or shows the moment that the time line is dragged to. What is on the canvas,
 * the pen's companion knows (companion.js).
 */

const SLOTS = ["dense", "cnn"];
const name = Math.random().toString(36).slice(2);

export default function ({data, parentElement}) {
  const find = (selector) => parentElement.querySelector(selector);
  const [play, line, words] = [".play", "input", ".words"].map(find);
  let made = null; // the replay of `drawn`, with the width of each stroke
  let drawn = "";
  let loading = null; // the replay that was asked for
  let wanted = null; // what to do when it is there; of several presses, the last
  let frame = 0; // of the animation that is running

  for (const ten of parentElement.querySelectorAll(".ten")) {
    ten.replaceChildren(
      ...Array.from({length: 10}, (_, digit) => {
        const column = document.createElement("div");
        column.append(document.createElement("i"), document.createElement("span"));
        column.lastChild.textContent = digit;
        return column;
      }),
    );
  }

  async function load() {
    const strokes = (window.mnistInk?.strokes ?? []).filter(
      (stroke) => stroke.width && stroke.points.length,
    );
    const width = strokes.map((stroke) => stroke.width);
    const body = JSON.stringify({strokes: strokes.map((stroke) => stroke.points), width});
    if (made && body === drawn) return;
    loading ??= ask(body, width).finally(() => (loading = null));
    await loading;
    return load(); // what was asked for may be the drawing of before a further stroke
  }

  async function ask(body, width) {
    words.textContent = "Asking both networks about every moment…";
    const response = await fetch(data.address, {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-Client": name},
      body,
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    [made, drawn] = [{...answer, width}, body];
    words.textContent = answer.words.join(" ");
    find(".stage").hidden = false;
    mark();
  }

  const end = () => made.moments.at(-1).at_ms || 1;

  /* Every change of mind, where it happened on the time line; those that lie close make room. */
  function mark() {
    const marks = SLOTS.flatMap((slot) => {
      let least = 0;
      const changes = made.changes[slot] ?? [];
      return changes.map(({at_ms, digit}, number) => {
        const one = document.createElement("i");
        const share = Math.min(1, Math.max(least, at_ms / end()));
        least = share + 0.035;
        one.dataset.slot = slot;
        one.classList.toggle("last", number === changes.length - 1);
        one.style.left = `${share * 100}%`;
        one.textContent = digit;
        return one;
      });
    });
    find(".marks").replaceChildren(...marks);
  }

  function show(at_ms) {
    const canvas = find("canvas");
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    Object.assign(pen, {strokeStyle: "#fff", lineCap: "round", lineJoin: "round"});
    made.strokes.forEach((stroke, number) => {
      const seen = stroke.filter(([, , t]) => t <= at_ms);
      if (!seen.length) return;
      pen.lineWidth = made.width[number];
      pen.beginPath();
      pen.moveTo(seen[0][0], seen[0][1]);
      for (const [x, y] of seen) pen.lineTo(x, y);
      pen.stroke();
    });
    const moment = made.moments.findLast((one) => one.at_ms <= at_ms);
    for (const slot of SLOTS) {
      const said = find(`.said[data-slot=${slot}]`);
      const probabilities = moment?.[slot] ?? Array(10).fill(0);
      const best = moment?.[slot] ? probabilities.indexOf(Math.max(...probabilities)) : "";
      said.querySelector("b").textContent = best;
      said.querySelectorAll(".ten div").forEach((column, digit) => {
        column.style.setProperty("--p", probabilities[digit]);
      });
    }
    line.value = (at_ms / end()) * 1000;
    line.setAttribute("aria-valuetext", `${(at_ms / 1000).toFixed(1)} seconds`);
  }

  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    wanted = null;
    play.textContent = "▶ Play";
  }

  async function tryTo(action) {
    wanted = action;
    try {
      await load();
      if (wanted === action) action();
    } catch (error) {
      stop();
      words.textContent = error instanceof TypeError ? "The server cannot be reached." : error.message;
    }
  }

  play.onclick = () => {
    if (frame) return stop();
    tryTo(() => {
      play.textContent = "■ Stop";
      const began = performance.now();
      const step = (now) => {
        const at_ms = Math.min(now - began, end());
        show(at_ms);
        if (at_ms < end()) frame = requestAnimationFrame(step);
        else stop();
      };
      frame = requestAnimationFrame(step);
    });
  };
  line.oninput = () => {
    stop();
    tryTo(() => show((line.value / 1000) * end()));
  };
  return stop;
}
