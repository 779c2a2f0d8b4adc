"use strict";
// The wall: shows what the server tells, and keeps nothing of its own but what is on the screen.
const $ = (id) => document.getElementById(id);
const base = location.pathname.replace(/\/wall\/?$/, "");
const NETWORKS = ["dense", "cnn"], TITLES = { dense: "Dense network", cnn: "CNN" };
const NO_DIGIT = 10;
// How many drawings are kept, and how many shown; of those "laid out by answers" as many as the
// server tells of at once, or some would be gone when it tells anew.
const MOST_KEPT = 400, MOST_TILES = 60, MOST_IN_SPACE = 120, MOST_IN_FOOL = 40;
const drawings = new Map();
let told = null, endsAt = null, shownKey = "", arrived = new Set();

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text != null) made.textContent = text;
  return made;
}
function svg(drawing) {
  const ns = "http://www.w3.org/2000/svg";
  const frame = document.createElementNS(ns, "svg"), ink = document.createElementNS(ns, "path");
  frame.setAttribute("viewBox", "0 0 100 100");
  ink.setAttribute("d", drawing.path);
  ink.setAttribute("stroke-width", drawing.width);
  ink.setAttribute("class", "ink");
  frame.append(ink);
  return frame;
}
const percent = (share, places = 1) => share == null ? "–"
  : `${(100 * share).toFixed(share === 0 || share === 1 ? 0 : places)}%`;
// What a network answers with: "<1%" and ">99%" where a whole number would claim too much.
const chance = (p) => p > 0 && p < 0.005 ? "<1%" : p >= 0.995 && p < 1 ? ">99%" : percent(p, 0);
const many = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

const SILENT_MS = 20000; // the server says something every five seconds
const FIRST_PAUSE_MS = 2000, MOST_PAUSE_MS = 8000, GONE_PAUSE_MS = 30000; // after a refusal
let pause = FIRST_PAUSE_MS;
function listen() {
  const stream = new EventSource(`${base}/wall/events`);
  let heard = performance.now();
  stream.onmessage = (event) => {
    heard = performance.now();
    pause = FIRST_PAUSE_MS;
    hear(JSON.parse(event.data));
  };
  const away = () => { if (told && !told.room.closed) $("present").textContent = "connecting…"; };
  const watch = setInterval(() => { // a connection may be dead without anybody saying so
    if (performance.now() - heard < SILENT_MS) return;
    clearInterval(watch);
    stream.close();
    away();
    listen();
  }, 1000);
  stream.onerror = async () => {
    away();
    // A browser gives up where the server answered with an error, and does not tell which.
    if (stream.readyState !== EventSource.CLOSED) return;
    clearInterval(watch);
    if (told?.room.closed) return;
    setTimeout(listen, await isGone() ? GONE_PAUSE_MS : pause);
    pause = Math.min(MOST_PAUSE_MS, 2 * pause);
  };
}
// Says whether there is no such room, on the wall, too.
async function isGone() {
  const asking = new AbortController();
  setTimeout(() => asking.abort(), 5000);
  let gone = false;
  try {
    const answer = await fetch(`${base}/wall/events`, { signal: asking.signal });
    gone = answer.status === 404 && "error" in await answer.json(); // another 404 is a proxy's
  } catch { /* no connection */ }
  asking.abort();
  if (gone) $("subtitle").textContent = "There is no open room with this code.";
  else if (!told) $("subtitle").textContent = "Connecting…";
  return gone;
}
function hear(news) {
  if (told && news.revision < told.revision) return;
  const round = news.round;
  if (news.reset || told?.round?.id !== round?.id) drawings.clear();
  for (const one of news.drawings) {
    if (one.gone) drawings.delete(one.id);
    else {
      if (!drawings.has(one.id) && !news.reset) arrived.add(one.id);
      drawings.set(one.id, one);
    }
  }
  for (const one of foremost().slice(MOST_KEPT)) drawings.delete(one.id);
  told = news;
  endsAt = round && !round.over && round.left_ms != null && !news.room.paused
    ? performance.now() + round.left_ms : null;
  show();
}
const HEADS = {
  draw: ["Draw anything", "Every digit that you send flies up here."],
  test: ["The room’s test set", "Your phone asks for a digit: draw it as you always do."],
  fool: ["Fool it", "Readable for people, not for a network."],
  beat: ["Beat it", "People against two networks, on the digits the networks find hardest."],
};
function show() {
  const { room, round } = told;
  const [title, subtitle] = round ? HEADS[round.kind] : ["Draw with us", ""];
  $("title").textContent = room.closed ? "Thank you!" : title;
  $("subtitle").textContent = room.closed ? "The room is closed."
    : round?.over ? `${summary()} Time is up.${round.kind === "beat" ? " Right of each digit its label, below it what most people and both networks read." : ""}` : round?.kind === "draw" ? summary() || subtitle : subtitle;
  const address = (room.address || location.origin + base.replace(/\/r\/[^/]*$/, "")) + `/r/${room.code}`;
  for (const one of document.querySelectorAll("#door .code")) one.textContent = room.code;
  for (const one of document.querySelectorAll("#door .address")) one.textContent = address.replace(/^https?:\/\//, "");
  $("present").textContent = many(room.present, "phone is here", "phones are here");
  const qr = `${base}/qr.svg?to=${encodeURIComponent(address)}`;
  if ($("qr").getAttribute("src") !== qr) $("qr").src = qr;
  $("door").hidden = !round || room.closed;
  $("legend").hidden = !["draw", "fool"].includes(round?.kind);
  document.querySelector(".veil")?.remove();
  if (room.paused) document.body.append(make("div", "veil", "Paused"));
  const kind = round ? round.kind : "lobby";
  const key = `${kind}/${round?.id}/${round?.over}/${room.layout}/${told.reset}`;
  if (key !== shownKey && (key.replace(/true$|false$/, "") !== shownKey.replace(/true$|false$/, "") || told.reset)) $("stage").replaceChildren();
  shownKey = key;
  if (room.closed && !round) $("stage").replaceChildren();
  else ({ lobby: () => lobby(address, qr), draw, test, fool, beat })[kind]();
  arrived.clear();
}
function summary() {
  // The test set counts what was cleared, too.
  const shown = told.round.kind === "test" ? told.drawn : told.on_wall;
  return shown ? `${many(shown, "drawing", "drawings")}.` : "";
}
function lobby(address, qr) {
  const stage = $("stage");
  if (!stage.firstChild) {
    const box = make("div", "lobby"), image = make("img"), words = make("div");
    image.alt = "Scan to join";
    const steps = make("ol");
    for (const step of ["Scan with your phone", "or open", ]) steps.append(make("li", "", step));
    words.append(steps, make("div", "address"), make("div", "code"), make("div", "here"));
    box.append(image, words);
    stage.append(box);
  }
  stage.querySelector("img").src = qr;
  stage.querySelector(".address").textContent = address.replace(/^https?:\/\//, "");
  stage.querySelector(".code").textContent = told.room.code;
  stage.querySelector(".here").textContent = many(told.room.present, "phone is here", "phones are here");
}

// Tiles
function reads(drawing, network) {
  const said = drawing.read[network];
  const box = make("b", network, said ? said.is_digit ? said.digit : "?" : "–");
  if (said && (!said.is_digit || said.confidence < 0.8)) box.classList.add("unsure");
  box.title = said ? `${TITLES[network]}: ${said.digit}, ${chance(said.confidence)}` : "";
  return box;
}
function tile(drawing) {
  const made = make("div", "tile");
  made.dataset.id = drawing.id;
  fill(made, drawing);
  if (arrived.has(drawing.id)) made.classList.add("new");
  return made;
}
function fill(made, drawing) {
  const says = make("div", "says");
  const [dense, cnn] = NETWORKS.map((network) => drawing.read[network]);
  made.classList.toggle("split", !!dense && !!cnn && !drawing.veiled && told.round.kind !== "fool" && dense.digit !== cnn.digit);
  made.classList.toggle("veiled", drawing.veiled);
  if (told.round.kind === "fool") {
    const votes = Object.values(drawing.votes || {}).reduce((sum, n) => sum + n, 0);
    const words = drawing.verdict == null ? many(votes, "vote", "votes")
      : drawing.verdict === NO_DIGIT ? "no digit" : `room: ${drawing.verdict}`;
    says.append(make("span", "room-says", words));
    made.classList.toggle("fooled", (drawing.fooled || []).length > 0);
  }
  for (const network of NETWORKS) says.append(reads(drawing, network));
  made.replaceChildren(svg(drawing), make("div", "name", drawing.name), says);
  made.dataset.state = JSON.stringify([drawing.veiled, drawing.name, drawing.votes, drawing.verdict]);
}
// The newest first; in "Fool it" what fooled a network stays in front of them.
function foremost(limit) {
  const fooled = (drawing) => drawing.fooled?.length || 0;
  return [...drawings.values()].sort((a, b) => fooled(b) - fooled(a) || b.id - a.id).slice(0, limit);
}
function grid(stage, shown) {
  // As large as they fit, but never so large that one fills the wall.
  const gap = 0.7 * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = stage.clientWidth, height = stage.clientHeight;
  let best = { side: 0, columns: 1 };
  for (let columns = 3; columns <= 14; columns++) {
    const rows = Math.ceil(Math.max(shown.length, 3) / columns);
    const side = Math.min((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows / 1.17);
    if (side > best.side) best = { side, columns };
  }
  const side = Math.floor(Math.min(best.side, height / 1.9));
  stage.style.gridTemplateColumns = `repeat(${best.columns}, ${side}px)`;
  stage.style.gridAutoRows = `${Math.floor(side * 1.17)}px`;
  stage.style.setProperty("--says", `${Math.round(side * 0.135)}px`);
  reconcile(stage, shown);
}
function reconcile(stage, shown) {
  const there = new Map([...stage.children].filter((one) => one.dataset.id).map((one) => [+one.dataset.id, one]));
  shown.forEach((drawing, place) => {
    let made = there.get(drawing.id);
    if (!made) made = tile(drawing);
    else if (made.dataset.state !== JSON.stringify([drawing.veiled, drawing.name, drawing.votes, drawing.verdict])) fill(made, drawing);
    there.delete(drawing.id);
    if (stage.children[place] !== made) stage.insertBefore(made, stage.children[place] || null);
  });
  for (const old of there.values()) old.remove();
}
function child(className) {
  const stage = $("stage");
  if (!stage.firstChild) stage.append(make("div", className));
  return stage.firstChild;
}
function draw() {
  if (told.room.layout === "space") return space(child("space"));
  grid(child("grid"), foremost(MOST_TILES));
}

// Where the CNN puts it: each drawing between the ten digits, nearer to what it is more likely to
// be; the cube root lets the second and third guess pull as well.
const TALL = 1.15; // a circle with what is said below it, as a share of its width
const AROUND = [0, 6, 5, 3, 8, 2, 1, 7, 9, 4]; // neighbours are often taken for each other
function space(stage) {
  const width = stage.clientWidth, height = stage.clientHeight;
  const anchor = (digit, reach = 0.82) => {
    const angle = 2 * Math.PI * AROUND.indexOf(digit) / 10 - Math.PI / 2;
    return [width / 2 + 0.47 * width * reach * Math.cos(angle), height / 2 + 0.45 * height * reach * Math.sin(angle)];
  };
  if (!stage.querySelector(".landmark")) for (let digit = 0; digit < 10; digit++) {
    const mark = make("b", "landmark", digit), [x, y] = anchor(digit, 1);
    mark.style.left = `${x}px`;
    mark.style.top = `${y}px`;
    stage.append(mark);
  }
  const shown = foremost(MOST_IN_SPACE).reverse();
  const side = Math.max(38, Math.min(0.19 * height, Math.sqrt(width * height / Math.max(shown.length, 1)) * 0.5));
  const places = shown.map((drawing) => {
    const said = (drawing.read.cnn || drawing.read.dense).probabilities.map((p) => Math.cbrt(p));
    const total = said.reduce((sum, p) => sum + p, 0);
    let x = 0, y = 0;
    said.forEach((p, digit) => { const [ax, ay] = anchor(digit); x += p / total * ax; y += p / total * ay; });
    return { x, y, homeX: x, homeY: y, side: drawing.veiled ? side / 2 : side };
  });
  for (let step = 0; step < 60; step++) {
    for (const one of places) { one.x += 0.06 * (one.homeX - one.x); one.y += 0.06 * (one.homeY - one.y); }
    for (let i = 0; i < places.length; i++) for (let j = 0; j < i; j++) {
      const a = places[i], b = places[j];
      let dx = a.x - b.x, dy = (a.y - b.y) / TALL, far = Math.hypot(dx, dy);
      if (far < 0.01) { dx = (i * 7 % 5) - 2 || 1; dy = (i * 3 % 5) - 2 || 1; far = Math.hypot(dx, dy); }
      const overlap = (a.side + b.side) / 2 * 1.04 - far;
      if (overlap > 0) {
        const push = overlap / far / 2;
        a.x += dx * push; a.y += TALL * dy * push; b.x -= dx * push; b.y -= TALL * dy * push;
      }
    }
    for (const one of places) {
      one.x = Math.min(width - one.side / 2, Math.max(one.side / 2, one.x));
      one.y = Math.min(height - one.side / 2, Math.max(one.side / 2, one.y));
    }
  }
  const there = new Map([...stage.querySelectorAll(".tile")].map((one) => [+one.dataset.id, one]));
  shown.forEach((drawing, i) => {
    let made = there.get(drawing.id);
    if (!made) stage.append(made = tile(drawing));
    else if (made.classList.contains("veiled") !== drawing.veiled) fill(made, drawing);
    into_circle(made.querySelector("svg"), drawing.width);
    made.classList.remove("new");
    there.delete(drawing.id);
    const { x, y, side: size } = places[i];
    made.style.width = made.style.height = `${size}px`;
    made.style.setProperty("--says", `${Math.round(size * 0.19)}px`);
    made.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
  });
  for (const old of there.values()) old.remove();
}

// A circle cuts off the corners of the canvas, and what the networks say covers its lowest part:
// the drawing lies above the middle, smaller if need be.
const RAISED = 0.08, WITHIN = 2 * (0.5 - RAISED); // of the circle's diameter
function into_circle(frame, pen) {
  const { x, y, width, height } = frame.firstChild.getBBox();
  const side = Math.max(100, (Math.hypot(width, height) + pen) / WITHIN);
  const left = x + (width - side) / 2, top = y + (height - side) / 2 + RAISED * side;
  frame.setAttribute("viewBox", `${left} ${top} ${side} ${side}`);
}

// The room's test set
function test() {
  const stage = child("test");
  if (!stage.firstChild) {
    for (const network of NETWORKS) {
      const box = make("section", `network ${network}`), axis = make("div", "axis"), ticks = make("div", "ticks");
      axis.append(make("i"), make("u"), make("b"));
      for (let tick = 0; tick <= 5; tick++) {
        ticks.append(make("span"));
        ticks.lastChild.style.left = `${20 * tick}%`;
      }
      box.append(make("h2", "", TITLES[network]), make("div", "share"), make("p"), axis, ticks);
      stage.append(box);
    }
    const below = make("div", "below");
    for (const network of NETWORKS) {
      const box = make("section"), matrix = make("div", `matrix ${network}`);
      box.append(make("h2", network, TITLES[network]), make("small", "", "rows: asked for · columns: read"), matrix);
      below.append(box);
    }
    const box = make("section");
    box.append(make("h2", "", "Only one got these"), make("div", "strip"));
    below.append(box);
    stage.append(below);
  }
  // One axis for both: its upper half, unless an interval goes below that.
  const from = NETWORKS.some((n) => told.test[n].of && told.test[n].interval[0] < 0.5) ? 0 : 0.5;
  NETWORKS.forEach((network, i) => {
    const said = told.test[network], box = stage.children[i];
    box.querySelector(".share").textContent = percent(said.share);
    const [low, high] = said.interval;
    box.querySelector("p").textContent = said.of
      ? `${said.right} of ${said.of} right; 95% interval ${percent(low)} to ${percent(high)}. `
        + (said.mnist == null ? "" : `MNIST’s test set (dotted): ${percent(said.mnist, 2)}.`)
      : "No drawings yet.";
    const at = (share) => Math.max(0, 100 * (share - from) / (1 - from));
    box.querySelectorAll(".ticks span").forEach((mark, tick) => {
      mark.textContent = percent(from + (1 - from) * tick / 5, 0);
    });
    const [bar, mnist, dot] = box.querySelector(".axis").children;
    bar.hidden = dot.hidden = !said.of;
    bar.style.left = `${at(low)}%`;
    bar.style.width = `${at(high) - at(low)}%`;
    dot.style.left = `${at(said.share ?? 0)}%`;
    mnist.hidden = said.mnist == null;
    mnist.style.left = `${at(said.mnist ?? 0)}%`;
    matrix(stage.querySelector(`.matrix.${network}`), said.matrix);
  });
  const strip = stage.querySelector(".strip");
  strip.replaceChildren(...told.test.only_one.map((one) => {
    const made = make("div", "tile"), says = make("div", "says");
    says.append(make("span", "", `asked: ${one.asked}`), make("b", "dense", one.dense), make("b", "cnn", one.cnn));
    made.append(svg(one), says);
    return made;
  }));
  if (!told.test.only_one.length) strip.append(make("p", "", "None so far."));
}
function matrix(box, counts) {
  if (!box.firstChild) {
    for (let i = 0; i < 121; i++) {
      const row = Math.floor(i / 11) - 1, column = i % 11 - 1;
      const cell = row < 0 || column < 0 ? make("span", "", row < 0 ? column < 0 ? "" : column : row) : make("b");
      if (cell.tagName === "B") { cell.append(make("em")); if (row !== column) cell.classList.add("wrong"); }
      box.append(cell);
    }
  }
  const most = Math.max(1, ...counts.flat());
  counts.forEach((row, i) => row.forEach((count, j) => {
    const cell = box.children[(i + 1) * 11 + j + 1];
    cell.firstChild.textContent = count || "";
    cell.style.setProperty("--fill", count ? 0.2 + 0.6 * (i === j ? count / most : Math.min(1, count / 3)) : 0);
  }));
}

// Fool it
function fool() {
  const stage = child("fool");
  if (!stage.firstChild) {
    const side = make("section");
    side.append(make("h2", "", "Best at fooling"), make("ol", "board"), make("p", "said"));
    stage.append(make("div", "grid"), side);
  }
  grid(stage.firstChild, foremost(MOST_IN_FOOL));
  stage.querySelector(".board").replaceChildren(...told.fool.board.map((one) => {
    const line = make("li");
    line.append(make("span", "", one.name), make("b", "", one.points));
    return line;
  }));
  if (!told.fool.board.length) stage.querySelector(".board").append(make("li", "", "Nobody yet"));
  stage.querySelector(".said").textContent = `${many(told.fool.votes, "vote", "votes")}. A verdict takes ${told.fool.needed} and more than half. `
    + "A point for each network that reads another digit than the room.";
}

// Beat it
function beat() {
  const said = told.beat;
  if (!told.round.over) {
    const stage = child("race");
    if (!stage.firstChild) {
      const bar = make("div", "bar");
      bar.append(make("i"));
      stage.append(make("div", "huge"), bar, make("div", "done"), make("p", "", "Read on your phone. The answers come when the time is up."));
    }
    const all = said.questions * Math.max(told.room.present, said.readers);
    stage.querySelector(".bar i").style.width = `${all ? 100 * said.readings / all : 0}%`;
    stage.querySelector(".done").textContent = `${many(said.readers, "phone is reading", "phones are reading")}, ${many(said.readings, "digit read", "digits read")}, ${said.finished} finished all ${said.questions}`;
    return;
  }
  const stage = child("beat");
  if (stage.dataset.readings === String(said.readings)) return;
  stage.dataset.readings = said.readings;
  const scores = make("div", "scores");
  const cards = [["people", "People", said.people, `${said.people.right} of ${said.people.of} readings right; by majority ${said.room.right} of ${said.room.of}`]];
  for (const network of NETWORKS) {
    const one = said.networks[network];
    cards.push([network, TITLES[network], one, `${one.right} of ${one.of} digits right`]);
  }
  for (const [name, title, one, words] of cards) {
    const card = make("div", name);
    card.append(make("h2", "", title), make("b", "", percent(one.share, 0)), make("p", "", words));
    scores.append(card);
  }
  const questions = make("div", "questions");
  said.labels.forEach((label, i) => {
    const box = make("div", "question"), sheet = make("canvas");
    sheet.width = sheet.height = 28;
    const pen = sheet.getContext("2d"), image = pen.createImageData(28, 28), raw = atob(said.pixels[i]);
    for (let p = 0; p < 784; p++) { image.data.fill(raw.charCodeAt(p), 4 * p, 4 * p + 3); image.data[4 * p + 3] = 255; }
    pen.putImageData(image, 0, 0);
    const counts = said.said[i], all = counts.reduce((sum, n) => sum + n, 0), most = Math.max(...counts);
    const top = counts.indexOf(most), tied = counts.lastIndexOf(most) !== top, right = !tied && top === label;
    const room = make("p", "people", !all ? "–" : tied ? "tie" : `${top} · ${percent(most / all, 0)}${right ? " ✓" : ""}`);
    if (right) room.classList.add("ok");
    const nets = make("p");
    for (const network of NETWORKS) {
      const digit = said.networks[network].digits[i];
      nets.append(make("b", network, `${digit}${digit === label ? " ✓" : ""}`));
    }
    box.append(sheet, make("b", "label", label), room, nets);
    questions.append(box);
  });
  stage.replaceChildren(scores, questions);
}

// What the projector's keyboard can do
function theme(name) {
  document.documentElement.dataset.theme = name;
  try { localStorage.setItem("wall-theme", name); } catch { /* for this time */ }
}
let kept = null;
try { kept = localStorage.getItem("wall-theme"); } catch { /* private window */ }
theme(new URLSearchParams(location.search).get("theme") || kept
  || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
const other = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
const full = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
$("theme").onclick = other;
$("full").onclick = full;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
  ({ d: other, f: full })[event.key.toLowerCase()]?.();
});
// Buttons and cursor are in nobody's way while the mouse lies still.
let idle = null;
function moved() {
  document.body.classList.remove("idle");
  clearTimeout(idle);
  idle = setTimeout(() => document.body.classList.add("idle"), 3000);
}
addEventListener("pointermove", moved);
moved();
let resizing = null, wide = innerWidth;
addEventListener("resize", () => {
  // A phone's address bar comes and goes while one scrolls, and changes nothing there.
  if (innerWidth === wide && innerWidth < 700) return;
  wide = innerWidth;
  clearTimeout(resizing);
  resizing = setTimeout(() => { if (told) { $("stage").replaceChildren(); show(); } }, 150);
});
setInterval(() => {
  const left = endsAt == null ? null : Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  const words = left == null ? "" : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  $("clock").textContent = words;
  $("clock").className = left != null && left <= 10 ? "soon" : "";
  const huge = document.querySelector(".race .huge");
  if (huge) huge.textContent = words || "go!";
}, 200);
listen();
