"use strict";
// The page of a phone. What it has to send waits in localStorage until the server has taken it,
// so a reload, a locked phone, a dead Wi-Fi or a restarted server loses nothing.
const SIZE = 336, BRUSH = 18; // canvas pixels, as on the Draw page
const PROMISE = "What you say is kept with your strokes, and the networks may learn from it. You can take it back.";
const $ = (id) => document.getElementById(id);
const code = decodeURIComponent(location.pathname.replace(/\/$/, "").split("/").pop());
const base = location.pathname.replace(/\/$/, "");
const here = `room-${code.toUpperCase()}-`;

function random(letters) {
  const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from(crypto.getRandomValues(new Uint8Array(letters)), (b) => signs[b & 63]).join("");
}
// Private windows may refuse to keep anything; then a reload is a new phone.
const memory = {};
function load(key, otherwise) {
  try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; }
  catch { return key in memory ? memory[key] : otherwise; }
}
function save(key, value) {
  memory[key] = value;
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* kept in memory */ }
}
function drop(prefix) {
  for (const key of Object.keys(memory)) if (key.startsWith(prefix)) delete memory[key];
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key);
  } catch { /* nothing was kept */ }
}
let token = load("room-token", null);
if (!token) save("room-token", token = random(32));
const client = random(12);

let told = { room: {}, round: null }, score = {}, me = {};
let queue = load(here + "queue", []), strokes = load(here + "draft", []), gone = false;
let last = null, choosing = false; // the drawing sent last, where its hand says what it is
let tab = "draw", candidate = null, pixels = [], endsAt = null, remark = "", remarkUntil = 0;

async function ask(path, options = {}) {
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 15000);
  try {
    const answer = await fetch(path, {
      ...options, signal: options.signal || stop.signal,
      headers: { Authorization: `Bearer ${token}`, "X-Client": client, ...options.headers },
    });
    const said = await answer.json().catch(() => ({}));
    return { ok: answer.ok, status: answer.status, said };
  } finally { clearTimeout(timer); }
}
const post = (path, body) => ask(path, {
  method: "POST", body: JSON.stringify(body ?? {}), headers: { "Content-Type": "application/json" },
});

// Sending: one after the other, in the order they were made; the server takes each once.
let sending = false, wait = 500, timer = null;
function keep(path, body) {
  queue.push({ path, body });
  save(here + "queue", queue);
  send();
}
async function send() {
  if (sending || gone || !queue.length) return;
  sending = true;
  clearTimeout(timer);
  let later = 0;
  try {
    while (queue.length && !later) {
      const { path, body, tried } = queue[0];
      queue[0].tried = true;
      save(here + "queue", queue);
      const { ok, status, said } = await post(`${base}/${path}`, body);
      if (gone) return; // the farewell stands, and nothing is kept
      if (status === 404 && said.error) return leave(said.error); // another 404 is a proxy's
      if (status === 401) { if (await join()) continue; later = wait; }
      else if ([404, 423, 429].includes(status) || status >= 500) later = Math.max(wait, 1000);
      else {
        queue.shift();
        save(here + "queue", queue);
        wait = 500;
        if (ok && tried) await refresh(); // the server may have counted it the first time
        if (ok) arrived(path, body, said, tried ? 0 : 1);
        else say(said.error);
      }
      show();
    }
  } catch { later = wait; } // no connection
  finally { sending = false; show(); }
  if (later) { timer = setTimeout(send, later * (0.7 + 0.6 * Math.random())); wait = Math.min(8000, wait * 2); }
}
function arrived(path, body, said, more) {
  if (!told.round || body.round && body.round !== told.round.id) return;
  if (path === "drawings") {
    score.drawn = (score.drawn || 0) + more;
    const digits = ["dense", "cnn"].map((n) => !said[n] ? "no answer" : said[n].is_digit ? said[n].digit : "no digit");
    if (told.round.digits) {
      const asked = told.round.digits[body.task % told.round.digits.length];
      for (const n of ["dense", "cnn"]) if (said[n]?.digit === asked) score[n] = (score[n] || 0) + more;
      const right = ["dense", "cnn"].filter((n) => said[n]?.digit === asked).length;
      say(`Your ${asked}: ${["neither network", "one network", "both networks"][right]} got it.`);
    }
    if (told.round.kind === "draw") {
      last = { entry: said.entry, answers: said, label: null, strokes: body.strokes };
      choosing = false;
      if (!strokes.length) answers(said);
    }
    const veiled = told.room.gate && digits.includes("no digit");
    const where = veiled ? "It waits for the host." : "On the wall.";
    if (!told.round.digits) say(`${where} Dense network: ${digits[0]}, CNN: ${digits[1]}.`);
  }
  if (path === "labels" && last?.entry === body.entry) { last.label = said.label; choosing = false; }
  if (path === "votes") score.votes = (score.votes || 0) + more;
}

// Coming in, and hearing of news.
async function join() {
  const { ok, status, said } = await post(`${base}/join`);
  if (ok) hear(said);
  else if (status === 404 && said.error) leave(said.error);
  else say(said.error);
  return ok;
}
function leave(why) {
  if (gone) return;
  gone = true;
  told = { room: { closed: true, never: !told.room.code }, round: null };
  const left = queue.filter((one) => one.path === "drawings").length;
  queue = [];
  drop(here);
  say(left ? `${why} ${left} of your drawings did not arrive in time.` : why, 1e9);
  show();
}
function hear(news) {
  if ("points" in news) {
    score.points = news.points;
    if (tab === "vote" && !candidate) nextCandidate();
    return show();
  }
  const before = told.round && told.round.id;
  if (news.me) { me = news.me; score = news.score || {}; }
  told = { room: news.room, round: news.round };
  if (told.room.closed) return leave("The room is closed. Thank you for drawing!");
  const round = told.round;
  endsAt = round && round.left_ms != null && !round.over ? performance.now() + round.left_ms : null;
  if (round && round.id !== before) {
    if (!news.me) score = {};
    tab = "draw"; candidate = null; pixels = []; last = null;
    if (!strokes.length) answers({});
    remarkUntil = 0;
    if (round.kind === "beat") fetchPixels(round.id);
  }
  if (round && round.over && !news.me) setTimeout(refresh, 300 + 1500 * Math.random());
  show();
  send();
}
async function refresh() {
  try {
    const { ok, said } = await ask(`${base}/state`);
    if (ok) hear(said);
  } catch { /* the stream will tell */ }
}
// Whoever hears the server says so: a phone that has left says nothing, and its connection may look
// open for a quarter of an hour.
const SAY_EVERY_MS = 10000; // the server is silent for fifteen seconds at most
let heard = 0, saidHere = -SAY_EVERY_MS, stream = null;
async function sayHere() {
  if (gone || performance.now() - saidHere < SAY_EVERY_MS) return;
  saidHere = performance.now();
  const { ok, status } = await post(`${base}/here`).catch(() => ({}));
  if (!ok) saidHere = -SAY_EVERY_MS; // at the next news
  if (status === 401) stream?.abort(); // somebody else has its place by now: it joins again
}
async function listen() {
  for (let pause = 500; !gone; pause = Math.min(8000, pause * 2)) {
    try {
      if (await join()) {
        stream = new AbortController();
        heard = performance.now();
        const answer = await fetch(`${base}/events`, {
          headers: { Authorization: `Bearer ${token}`, "X-Client": client }, signal: stream.signal,
        });
        if (answer.ok) {
          pause = 500;
          document.body.dataset.link = "on";
          show();
          let text = "";
          const decoder = new TextDecoder();
          for (const reader = answer.body.getReader(); ;) {
            const { done, value } = await reader.read();
            if (done) break;
            heard = performance.now();
            sayHere();
            text += decoder.decode(value, { stream: true });
            const events = text.split("\n\n");
            text = events.pop();
            for (const event of events) if (event.startsWith("data: ")) hear(JSON.parse(event.slice(6)));
          }
        }
      }
    } catch { /* away; again in a moment */ }
    document.body.dataset.link = "";
    show();
    if (!gone) await new Promise((go) => setTimeout(go, pause * (0.6 + 0.8 * Math.random())));
  }
}
function wake() {
  if (document.hidden) return;
  wait = 500;
  send();
  // A phone that was locked may hold a connection that is dead on the other side.
  if (stream && performance.now() - heard > 20000) stream.abort();
}
document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
setInterval(wake, 10000);

// Drawing, with the answers of both networks while the pen moves.
const canvas = $("canvas"), pen = canvas.getContext("2d");
let stroke = null, pointer = null, byTouch = false; // that draws: no palm or second finger joins in
let began = null, asking = false, again = false, pause = 150, changed = 0;
function place(event) {
  const box = canvas.getBoundingClientRect(), scale = SIZE / box.width;
  const at = (v) => Math.round(Math.max(-SIZE, Math.min(2 * SIZE, v * scale)) * 10) / 10;
  return [at(event.clientX - box.left), at(event.clientY - box.top), Math.round(event.timeStamp - began)];
}
function paint() {
  pen.setTransform(canvas.width / SIZE, 0, 0, canvas.width / SIZE, 0, 0);
  pen.clearRect(0, 0, SIZE, SIZE);
  pen.lineWidth = BRUSH;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#fff";
  for (const points of strokes) {
    pen.beginPath();
    pen.moveTo(points[0][0], points[0][1]);
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }
}
canvas.addEventListener("pointerdown", (event) => {
  const takesOver = byTouch && event.pointerType === "pen"; // from a palm that landed first
  if (stroke && !takesOver || event.button > 0) return;
  strokes = strokes.filter((one) => one !== stroke);
  event.preventDefault();
  pointer = event.pointerId;
  byTouch = event.pointerType === "touch";
  canvas.setPointerCapture(pointer);
  if (!strokes.length) began = event.timeStamp;
  else if (began === null) began = event.timeStamp - 200 - strokes.flat().pop()[2]; // a kept draft goes on
  strokes.push(stroke = [place(event)]);
  paint();
  soon();
});
canvas.addEventListener("pointermove", (event) => {
  if (!stroke || event.pointerId !== pointer) return;
  for (const one of event.getCoalescedEvents?.() || [event]) {
    const point = place(one), last = stroke[stroke.length - 1];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= 2.5) stroke.push(point);
  }
  paint();
  if (pause != null) soon();
});
function lift(event) {
  if (!stroke || event.pointerId !== pointer) return;
  stroke = null;
  edited();
}
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(kind, lift);
function edited() {
  if (!gone) save(here + "draft", strokes);
  paint();
  show();
  soon();
}
async function soon() {
  changed += 1;
  if (!strokes.length) return answers(last?.answers ?? {});
  if (asking) { again = true; return; }
  asking = true;
  const version = changed;
  try {
    const { ok, status, said } = await post("../api/read", { strokes, width: BRUSH, size: SIZE });
    if (ok && strokes.length) { answers(said); pause = said.pause_ms; }
    if (!ok) pause = null; // not before the pen is lifted
  } catch { answers({}); }
  setTimeout(() => {
    asking = false;
    if (again || version !== changed && !stroke) { again = false; soon(); }
  }, Math.max(120, pause ?? 0));
}
function answers(said) {
  for (const box of document.querySelectorAll(".answer")) {
    const answer = said[box.dataset.network];
    const known = answer && "digit" in answer;
    box.children[0].textContent = known ? answer.digit : "–";
    box.children[0].classList.toggle("unsure", known && (!answer.is_digit || answer.confidence < 0.8));
    box.children[1].firstChild.style.width = known ? `${100 * answer.confidence}%` : "0";
    const title = box.dataset.network === "dense" ? "Dense network" : "CNN";
    box.children[2].textContent = known && !answer.is_digit ? "not a digit?" : title;
  }
}
$("undo").onclick = () => { strokes.pop(); edited(); };
$("clear").onclick = () => { strokes = []; edited(); };
$("send").onclick = () => {
  const round = told.round;
  if (!strokes.length || !round || round.over) return;
  const body = { key: random(16), round: round.id, strokes, width: BRUSH, size: SIZE };
  if (round.digits) { body.task = task(); save(here + "task", { round: round.id, next: body.task + 1 }); }
  strokes = [];
  last = null;
  keep("drawings", body);
  edited();
};
function task() {
  const kept = load(here + "task", {});
  return Math.max(kept.round === told.round.id ? kept.next : 0, score.drawn || 0);
}

// What the last drawing is: kept with it, as on the Draw page.
const label = (said) => { keep("labels", { entry: last.entry, label: said }); show(); };
$("right").onclick = () => label("right");
$("back").onclick = () => label(null);
$("wrong").onclick = () => {
  choosing = !choosing;
  show();
  if (choosing) $("labels").scrollIntoView({ block: "nearest" });
};

// Voting on the others' drawings, and reading the hardest digits.
async function nextCandidate() {
  candidate = null;
  show();
  try {
    const { ok, said } = await ask(`${base}/candidate`);
    const waiting = queue.filter((one) => one.path === "votes").map((one) => one.body.entry);
    if (ok && said && !waiting.includes(said.entry)) candidate = said;
  } catch { /* asked again when there is news */ }
  show();
}
function button(pad, label, press, wide) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.className = wide ? "wide" : "";
  made.onclick = press;
  pad.append(made);
}
for (let digit = 0; digit <= 10; digit++) {
  button($("ballot"), digit < 10 ? digit : "Not a digit", async () => {
    if (!candidate) return;
    keep("votes", { entry: candidate.entry, digit });
    candidate = null;
    show();
    while (sending) await new Promise((go) => setTimeout(go, 50));
    nextCandidate();
  }, digit === 10);
  button($("labels"), digit < 10 ? digit : "Not a digit", () => label(digit), digit === 10);
  if (digit < 10) button($("digits"), digit, () => {
    const question = asked(), round = told.round;
    if (!round || round.over || question >= pixels.length) return;
    save(here + "read", { round: round.id, next: question + 1 });
    keep("readings", { round: round.id, question, digit });
    show();
  });
}
for (const one of $("tabs").children) one.onclick = () => {
  tab = one.dataset.tab;
  if (tab === "vote") nextCandidate();
  show();
};
async function fetchPixels(round) {
  const { ok, said } = await ask(`${base}/pixels/${round}`).catch(() => ({}));
  if (told.round?.id !== round) return;
  if (ok) pixels = said;
  else setTimeout(fetchPixels, 1000 + 1000 * Math.random(), round);
  show();
}
function asked() {
  const kept = load(here + "read", {});
  return Math.max(kept.round === told.round.id ? kept.next : 0, score.read || 0);
}

$("name").onclick = async () => {
  const { ok, said } = await post(`${base}/name`).catch(() => ({}));
  if (ok) me.name = said.name;
  else if (said) say(said.error);
  show();
};
$("forget").onclick = async () => {
  if (!confirm("Delete everything that you drew, in every room?")) return;
  const { ok, said } = await post(`${base.replace(/[^/]+$/, "")}forget`).catch(() => ({}));
  if (!ok) return say("That did not arrive; try again when you are connected.");
  gone = true;
  stream?.abort();
  drop("room-");
  queue = [], strokes = [];
  told = { room: { closed: true }, round: null };
  $("name").hidden = document.querySelector("footer").hidden = true;
  say(`Forgotten: ${said.deleted} of your drawings are deleted. Reload to join again.`, 1e9);
  edited();
};

// What is on the screen.
function say(sentence, ms = 4000) { remark = sentence || ""; remarkUntil = performance.now() + ms; show(); }
const TASKS = {
  draw: "Draw a digit", fool: "Fool a network",
};
const HINTS = {
  draw: "It flies onto the wall with what both networks read.",
  test: "As you always write it. You are part of the room’s test set.",
  fool: "A digit that people can read, and a network cannot.",
  beat: "What is it? These are the test digits that the networks find hardest.",
};
function show() {
  const round = told.round, over = !round || round.over || told.room.closed;
  const kind = round && !over ? round.kind : null, paused = !!told.room.paused;
  const line = $("task");
  line.textContent = told.room.never ? "No room here" : told.room.closed ? "Goodbye" : !told.room.code ? "Joining the room…"
    : paused ? "Paused" : round && over ? "Time is up" : TASKS[kind] || "Welcome";
  if (kind === "test" && !paused) {
    const big = document.createElement("em");
    big.textContent = round.digits[task() % round.digits.length];
    line.replaceChildren(big.textContent === "8" ? "Draw an " : "Draw a ", big);
  }
  if (kind === "beat" && !paused) {
    const number = asked();
    line.textContent = number < pixels.length ? `Digit ${number + 1} of ${pixels.length}`
      : pixels.length ? "All read" : "Here they come…";
  }
  const voting = kind === "fool" && tab === "vote";
  if (voting && !paused) line.textContent = candidate ? "What is this?" : "Nothing to vote on yet";
  const speaking = performance.now() < remarkUntil;
  $("hint").textContent = speaking ? remark
    : queue.length && !document.body.dataset.link && !gone ? "No connection. What you made waits here and goes out by itself."
    : paused ? "The host has paused the room."
    : voting ? "The room decides what a drawing is."
    : kind ? kind === "beat" && asked() >= pixels.length && pixels.length
      ? "Look at the wall when the time is up." : HINTS[kind]
    : told.room.closed || !told.room.code ? "" : round ? "The next round starts soon. Look at the wall!"
    : "Try the canvas until the host starts.";
  $("hint").className = speaking ? "loud" : "";
  $("tabs").hidden = kind !== "fool";
  for (const one of $("tabs").children) one.setAttribute("aria-pressed", one.dataset.tab === tab);
  // Nobody reads on while the clock stands still.
  $("voting").hidden = !voting || paused;
  $("reading").hidden = kind !== "beat" || paused;
  $("drawing").hidden = voting || kind === "beat" || !!told.room.closed;
  $("send").disabled = !kind || !strokes.length;
  $("undo").disabled = $("clear").disabled = !strokes.length;
  for (const one of $("ballot").children) one.disabled = !candidate;
  showFeedback();
  if (voting) showCandidate();
  if (kind === "beat") showPixels();
  $("name").textContent = me.name || "…";
  $("name").disabled = gone; // its answer would wipe what is said of it
  $("link").textContent = queue.length ? `${queue.length} to send`
    : document.body.dataset.link ? told.room.code : gone ? "" : "connecting…";
  $("score").textContent = own(round);
}
function showFeedback() {
  $("feedback").hidden = !last || strokes.length > 0 || $("drawing").hidden;
  if (!last) return;
  const scale = 100 / SIZE, at = ([x, y]) => `${Math.round(x * scale)} ${Math.round(y * scale)}`;
  // A line of no length with round ends is a dot.
  showInk($("sent"), last.strokes.map((one) => `M${at(one[0])}L${one.map(at).join("L")}`).join(""), BRUSH * scale);
  const none = ["dense", "cnn"].every((n) => !last.answers[n]?.is_digit);
  $("right").textContent = none ? "Right: not a digit" : "Right";
  const known = last.label != null, digit = `${last.label === 8 ? "an" : "a"} ${last.label}`;
  $("right").hidden = $("wrong").hidden = known;
  $("back").hidden = !known;
  $("labels").hidden = known || !choosing;
  $("wrong").setAttribute("aria-expanded", choosing);
  $("kept").textContent = !known ? PROMISE
    : `Kept with your strokes: this is ${last.label === 10 ? "not a digit" : digit}.`;
  const waiting = queue.some((one) => one.path === "labels");
  for (const one of $("feedback").querySelectorAll("button")) one.disabled = waiting;
}
function showCandidate() {
  if (candidate) showInk($("candidate"), candidate.path, candidate.width);
  else $("candidate").replaceChildren();
}
function showInk(frame, path, width) {
  const ink = document.createElementNS("http://www.w3.org/2000/svg", "path");
  ink.setAttribute("d", path);
  ink.setAttribute("stroke-width", width);
  frame.replaceChildren(ink);
}
function showPixels() {
  const sheet = $("pixels").getContext("2d"), question = asked();
  sheet.clearRect(0, 0, 28, 28);
  for (const one of $("digits").children) one.disabled = question >= pixels.length;
  if (question >= pixels.length) return;
  const raw = atob(pixels[question]), image = sheet.createImageData(28, 28);
  for (let i = 0; i < 784; i++) image.data.fill(raw.charCodeAt(i), 4 * i, 4 * i + 3), image.data[4 * i + 3] = 255;
  sheet.putImageData(image, 0, 0);
}
function own(round) {
  if (!round) return "";
  const drawn = score.drawn || 0, many = `${drawn} drawing${drawn === 1 ? "" : "s"}`;
  if (round.kind === "draw") return drawn ? `You: ${many}` : "";
  if (round.kind === "test") return drawn ? `You: ${many} · dense network ${score.dense || 0} right · CNN ${score.cnn || 0} right` : "";
  if (round.kind === "fool") return `You: ${score.points || 0} point${score.points === 1 ? "" : "s"} · ${many} · ${score.votes || 0} vote${score.votes === 1 ? "" : "s"}`;
  if (!("right" in score)) return "";
  const { read, in_time, right } = score, late = read - in_time;
  return [in_time && `You read ${right} of ${in_time} right.`, late && `${late} came too late.`].filter(Boolean).join(" ");
}
setInterval(() => {
  if (remarkUntil && performance.now() > remarkUntil) { remarkUntil = 0; show(); }
  const paused = told.room.paused;
  const left = endsAt == null || paused || gone ? null : Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  $("clock").textContent = left == null ? "" : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  $("clock").className = left != null && left <= 10 ? "soon" : "";
}, 250);
paint();
show();
if (strokes.length) soon();
performance.mark("usable"); // a pen leaves ink from here on
listen();
