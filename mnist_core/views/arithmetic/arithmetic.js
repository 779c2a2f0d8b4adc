// The sum behind one cell of a feature map, or one unit: the same numbers that the network uses.
// data: {image: 784 numbers, layer: {kind, words, colour, stride, padding, activation, weights:
// one array a filter or unit, biases, numbers, rows, columns, size}}; see views/arithmetic_view.py.
const SIZE = 28;
const round = (value) => (Math.abs(value) < 0.0005 ? "0" : value.toFixed(3).replace("-", "−"));

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".sum");
  const { image, layer } = data;
  const find = (name) => root.querySelector(name);
  const state = root.chosen ?? (root.chosen = { filter: 0, row: 0, column: 0 });
  state.filter = Math.min(state.filter, layer.weights.length - 1);
  root.style.setProperty("--colour", layer.colour);
  const slides = layer.kind === "convolution";
  find(".tables").replaceChildren();
  find(".lead").textContent = layer.words;

  // A weighted sum: what lies below the weights, times them, plus the bias.
  function sumAt(filter, row, column) {
    const weights = layer.weights[filter], inputs = [], products = [];
    for (let i = 0; i < layer.rows; i++) {
      for (let j = 0; j < layer.columns; j++) {
        const y = row * layer.stride - layer.padding[0] + i;
        const x = column * layer.stride - layer.padding[1] + j;
        const inside = y >= 0 && y < SIZE && x >= 0 && x < SIZE;
        inputs.push(inside ? image[y * SIZE + x] : 0);
        products.push(inputs.at(-1) * weights[i * layer.columns + j]);
      }
    }
    const sum = products.reduce((a, b) => a + b, 0), total = sum + layer.biases[filter];
    return { inputs, weights, products, sum, bias: layer.biases[filter], total,
             output: activate(total) };
  }

  function activate(total) {
    return { relu: Math.max(total, 0), tanh: Math.tanh(total), linear: total,
             sigmoid: 1 / (1 + Math.exp(-total)),
             softmax: total }[layer.activation];
  }

  function mapOf(filter) {
    const values = [];
    for (let row = 0; row < layer.size; row++) {
      for (let column = 0; column < layer.size; column++) {
        values.push(sumAt(filter, row, column).output);
      }
    }
    return values;
  }

  // Paints values row by row: from black for 0 to white, what is below 0 to red where signed.
  function paint(canvas, values, columns, signed) {
    const rows = values.length / columns, pen = canvas.getContext("2d");
    const most = Math.max(...values.map(Math.abs), 1e-6);
    const cell = canvas.width / columns, high = canvas.height / rows;
    values.forEach((value, i) => {
      const share = value / most, level = Math.round(255 * Math.abs(share));
      pen.fillStyle = !signed || share >= 0
        ? `rgb(${level}, ${level}, ${level})`
        : `rgb(${Math.round(level * 0.85)}, ${Math.round(level * 0.2)}, ${Math.round(level * 0.35)})`;
      pen.fillRect((i % columns) * cell, Math.floor(i / columns) * high, cell + 0.5, high + 0.5);
    });
  }

  function frame(canvas, x, y, width, height, cells) {
    const pen = canvas.getContext("2d"), cell = canvas.width / cells;
    Object.assign(pen, { strokeStyle: layer.colour, lineWidth: 4 });
    pen.strokeRect(x * cell, y * cell, width * cell, height * cell);
  }

  function table(title, values, shade) {
    const most = Math.max(...values.map(Math.abs), 1e-6);
    const rows = [];
    for (let i = 0; i < layer.rows; i++) {
      const cells = values.slice(i * layer.columns, (i + 1) * layer.columns).map((value) => {
        const strength = Math.round(60 * Math.abs(value) / most);
        const tint = value < 0 ? "#d81b60" : shade;
        return `<td style="background:color-mix(in srgb, ${tint} ${strength}%, transparent)">`
          + `${round(value)}</td>`;
      });
      rows.push(`<tr>${cells.join("")}</tr>`);
    }
    return `<table><caption>${title}</caption>${rows.join("")}</table>`;
  }

  function showCell({ filter, row, column }) {
    const found = sumAt(filter, row, column);
    paint(find(".image"), image, SIZE, false);
    frame(find(".image"), column * layer.stride - layer.padding[1],
          row * layer.stride - layer.padding[0], layer.columns, layer.rows, SIZE);
    paint(find(".map"), mapOf(filter), layer.size, false);
    frame(find(".map"), column, row, 1, 1, layer.size);
    find(".image-words").textContent =
      "Drag the kernel over the drawing, or move it with the arrow keys.";
    find(".map-words").textContent =
      `What filter ${layer.numbers[filter] + 1} finds, ${layer.size} × ${layer.size} cells: `
      + "press one to see its sum.";
    find(".tables").innerHTML = table("The patch of the drawing", found.inputs, "#888")
      + '<span class="sign">×</span>' + table("The kernel", found.weights, layer.colour)
      + '<span class="sign">=</span>' + table("The products", found.products, layer.colour);
    find(".line").innerHTML = `The products add up to ${round(found.sum)}; with the bias of `
      + `${round(found.bias)} that is ${round(found.total)}. ${rectified(found)}`;
  }

  function showUnit({ filter, row, column }) {
    const found = sumAt(filter, 0, 0), pixel = row * SIZE + column;
    paint(find(".image"), image, SIZE, false);
    frame(find(".image"), column, row, 1, 1, SIZE);
    paint(find(".map"), found.products, SIZE, true);
    frame(find(".map"), column, row, 1, 1, SIZE);
    find(".image-words").textContent = "Press a pixel, or move with the arrow keys.";
    find(".map-words").textContent =
      `Unit ${layer.numbers[filter] + 1}: each pixel times its weight. White speaks for it, `
      + "red against.";
    find(".line").innerHTML = `Row ${row + 1}, column ${column + 1}: ink ${round(image[pixel])} × `
      + `weight ${round(found.weights[pixel])} = ${round(found.products[pixel])}.<br>`
      + `All 784 products add up to ${round(found.sum)}; with the bias of ${round(found.bias)} `
      + `that is ${round(found.total)}. ${rectified(found)}`;
  }

  const show = () => (slides ? showCell(state) : showUnit(state));

  function rectified({ total, output }) {
    const why = layer.activation === "relu"
      ? total < 0 ? "What is below 0 becomes 0: " : "Above 0 it stays: "
      : layer.activation === "softmax"
        ? "One of ten sums that become the probabilities: " : `Through ${layer.activation}: `;
    return `${why}<b>${round(output)}</b>`;
  }

  function moveTo(row, column) {
    const last = (slides ? layer.size : SIZE) - 1;
    state.row = Math.min(Math.max(row, 0), last);
    state.column = Math.min(Math.max(column, 0), last);
    show();
  }

  // On the image a kernel is held in its middle; on the map, and for a unit, a cell is a cell.
  function listen(canvas, onImage) {
    const go = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
      if (!slides || !onImage) {
        const cells = slides ? layer.size : SIZE;
        moveTo(...share.map((one) => Math.floor(one * cells)));
      } else {
        const [y, x] = share.map((one) => one * SIZE);
        moveTo(Math.round((y + layer.padding[0] - layer.rows / 2) / layer.stride),
               Math.round((x + layer.padding[1] - layer.columns / 2) / layer.stride));
      }
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      go(event);
    };
    canvas.onpointermove = (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) go(event);
    };
    canvas.onkeydown = (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (!(event.key in step)) return;
      event.preventDefault();
      moveTo(state.row + step[event.key][0], state.column + step[event.key][1]);
    };
  }

  function strongest(filter) {
    const values = slides ? mapOf(filter) : sumAt(filter, 0, 0).products.map(Math.abs);
    const cells = slides ? layer.size : SIZE, place = values.indexOf(Math.max(...values));
    return [Math.floor(place / cells), place % cells];
  }

  const choices = find(".choices");
  choices.replaceChildren(...layer.weights.map((weights, filter) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = slides ? layer.size * 2 : SIZE * 2;
    paint(canvas, slides ? mapOf(filter) : weights, slides ? layer.size : SIZE, !slides);
    button.append(canvas);
    button.ariaLabel = `${slides ? "Filter" : "Unit"} ${layer.numbers[filter] + 1}`;
    button.onclick = () => choose(filter);
    return button;
  }));

  function choose(filter) {
    state.filter = filter;
    [...choices.children].forEach((one, i) => (one.ariaPressed = String(i === filter)));
    moveTo(...strongest(filter));
  }

  find(".image").ariaLabel = `The drawing; arrow keys ${slides ? "move the kernel" : "choose a pixel"}`;
  find(".map").ariaLabel = slides
    ? "The feature map; arrow keys choose a cell"
    : "Each pixel times its weight; arrow keys choose a pixel";
  listen(find(".image"), true);
  listen(find(".map"), false);
  choose(state.filter);
}
