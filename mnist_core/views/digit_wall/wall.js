// Thousands of digits in one box that scrolls: rows come and go, pictures are fetched as one goes.

// A short name for a picture: the picture itself, repeated in each cell's style, took 0.2 s to read.
const named = (base64) => URL.createObjectURL(
  new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], {type: 'image/png'}));
const forget = (state) => {
  for (const chunk of state?.chunks.values() ?? []) URL.revokeObjectURL(chunk.source);
};

export default function ({data, parentElement, setTriggerValue}) {
  const box = parentElement.querySelector('.wall');
  const field = box.querySelector('.field');
  let state = box.state;
  if (!state || state.selection !== data.selection) {
    forget(state);
    state = box.state = {selection: data.selection, chunks: new Map(), rows: new Map(), at: -1};
    field.replaceChildren();
    box.scrollTop = 0;
  }
  state.asked = new Set();  // what was asked for and did not come is asked for again
  for (const chunk of data.chunks)
    if (!state.chunks.has(chunk.number))
      state.chunks.set(chunk.number, {...chunk, source: named(chunk.picture)});
  const chunkOf = (i) => state.chunks.get(Math.floor(i / data.chunk));

  const layOut = () => {
    if (!box.clientWidth) return;
    const columns = Math.max(8, Math.floor(box.clientWidth / data.cell_px));
    const size = box.clientWidth / columns;
    if (columns !== state.columns || size !== state.size) {
      const top = state.size ? Math.round(box.scrollTop / state.size) * state.columns : 0;
      field.replaceChildren();
      state.rows.clear();
      Object.assign(state, {columns, size});
      field.style.height = `${Math.ceil(data.total / columns) * size}px`;
      box.scrollTop = Math.floor(top / columns) * size;  // the same digits stay in sight
    }
    draw();
    askSoon();
  };

  const draw = () => {
    const {size, columns} = state;
    if (!size) return;
    const first = Math.max(0, Math.floor(box.scrollTop / size) - 2);
    const last = Math.min(Math.ceil(data.total / columns) - 1,
                          Math.ceil((box.scrollTop + box.clientHeight) / size) + 2);
    for (const [row, element] of state.rows)
      if (row < first || row > last) {
        element.remove();
        state.rows.delete(row);
      }
    let below = null;  // rows stand in their order, for who hears them
    for (let row = last; row >= first; row--) {
      let element = state.rows.get(row);
      if (!element?.complete) {
        element?.remove();
        element = drawRow(row);
        state.rows.set(row, element);
        field.insertBefore(element, below);
      }
      below = element;
    }
    mark();
  };

  const drawRow = (row) => {
    const {size, columns} = state;
    const element = document.createElement('div');
    element.className = 'row';
    element.style.cssText = `top:${row * size}px;height:${size}px`;
    element.complete = true;
    for (let i = row * columns; i < Math.min(data.total, (row + 1) * columns); i++) {
      const cell = document.createElement('div');
      const chunk = chunkOf(i), k = i % data.chunk;
      cell.style.cssText = `width:${size}px;height:${size}px`;
      cell.place = i;
      cell.id = `digit-${i}`;
      cell.setAttribute('role', 'option');
      if (chunk) {
        const x = k % data.columns, y = Math.floor(k / data.columns);
        cell.style.backgroundImage = `url(${chunk.source})`;
        cell.style.backgroundSize = `${data.columns * size}px`;
        cell.style.backgroundPosition = `${-x * size}px ${-y * size}px`;
        cell.title = chunk.titles[k];
        cell.setAttribute('aria-label', chunk.titles[k]);
        if (chunk.captions[k].includes('→')) cell.textContent = chunk.captions[k];
      } else element.complete = false;
      element.append(cell);
    }
    return element;
  };

  const mark = () => {
    for (const row of state.rows.values())
      for (const cell of row.children) {
        cell.classList.toggle('chosen', cell.place === data.chosen);
        cell.classList.toggle('at', cell.place === state.at);
        cell.setAttribute('aria-selected', cell.place === data.chosen);
      }
    if (state.at >= 0) box.setAttribute('aria-activedescendant', `digit-${state.at}`);
    else box.removeAttribute('aria-activedescendant');
  };

  const missing = (beyond) => {
    const {size, columns} = state;
    const first = Math.max(0, Math.floor((box.scrollTop - beyond) / size) * columns);
    const last = Math.min(data.total - 1,
                          Math.ceil((box.scrollTop + box.clientHeight + beyond) / size) * columns);
    const found = [];
    for (let n = Math.floor(first / data.chunk); n <= Math.floor(last / data.chunk); n++)
      if (!state.chunks.has(n)) found.push(n);
    return found;
  };
  const ask = () => {
    if (box.left) return;
    const inSight = missing(0);
    const wanted = (inSight.length ? inSight : missing(box.clientHeight / 2))
      .filter((n) => !state.asked.has(n));
    if (!wanted.length) return;
    wanted.forEach((n) => state.asked.add(n));
    setTriggerValue('wanted', wanted.slice(0, 6));
  };
  const askSoon = () => {
    clearTimeout(box.timer);
    box.timer = setTimeout(ask, 60);
  };

  const show = (i) => {
    const top = Math.floor(i / state.columns) * state.size;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + state.size > box.scrollTop + box.clientHeight)
      box.scrollTop = top + state.size - box.clientHeight;
  };
  const choose = (i) => {
    data.chosen = state.at = i;
    mark();
    setTriggerValue('clicked', i);
  };
  box.onscroll = () => {
    requestAnimationFrame(draw);
    askSoon();
  };
  box.onclick = (event) => {
    const cell = event.target.closest('.row > div');
    if (cell) choose(cell.place);
  };
  box.onkeydown = (event) => {
    const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -state.columns,
                   ArrowDown: state.columns};
    if (event.key === 'Enter' && state.at >= 0) choose(state.at);
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = state.at < 0 ? data.chosen ?? 0 : state.at + steps[event.key];
    if (to < 0 || to >= data.total) return;
    state.at = to;
    show(to);
    draw();
  };

  box.setAttribute('aria-label', `${data.total} digits; arrow keys move, Enter chooses`);
  box.observer?.disconnect();
  box.observer = new ResizeObserver(layOut);
  box.observer.observe(box);
  layOut();
  if (data.turn !== state.turn) {
    state.turn = data.turn;
    if (data.show !== null) show(data.show);
    draw();
  }
  ask();
  // What is asked for while another page is on its way can come over that page, and empty it.
  document.removeEventListener('click', box.onleave, true);
  box.onleave = (event) => {
    const link = event.target.closest('.st-key-pages a');
    const stays = event.ctrlKey || event.metaKey || event.shiftKey;
    if (link && !stays && link.pathname !== location.pathname) box.left = true;
  };
  document.addEventListener('click', box.onleave, true);
  return () => {
    document.removeEventListener('click', box.onleave, true);
    forget(box.state);
  };
}
