// A network as a list of steps, each on the outputs of earlier ones: mnist_core's
// models/network.py for one image. Arrays are rows, then columns, then channels.
"use strict";

// Packed: {bits: 16 | 32, numbers: base64, steps: [...], digit, isDigit, temperature, threshold}.
// A step's weights and bias are [first number, how many, scale]: numbers of 16 bits are whole
// and stand for that many times the scale.
function unpackNetwork(packed) {
  const { buffer } = Uint8Array.from(atob(packed.numbers), (one) => one.charCodeAt(0));
  const numbers = packed.bits === 16 ? new Int16Array(buffer) : new Float32Array(buffer);
  const part = (range) => range &&
    Float32Array.from(numbers.subarray(range[0], range[0] + range[1]), (one) => one * range[2]);
  const steps = packed.steps.map((step) => (
    { ...step, weights: part(step.weights), bias: part(step.bias) }));
  return { ...packed, numbers: undefined, steps };
}

// image: 784 numbers in [0, 1]. Returns {probabilities: ten, calibrated; digit; isDigit}.
function answer(network, image) {
  const outputs = [];
  for (const step of network.steps) {
    outputs.push(step.kind === "image" ? image : take(step, step.inputs.map((i) => ({
      values: outputs[i], shape: network.steps[i].shape }))));
  }
  const probabilities = sharpen(outputs[network.digit], network.temperature);
  const score = network.isDigit === null ? 1 : outputs[network.isDigit][0];
  return {
    probabilities,
    digit: probabilities.indexOf(Math.max(...probabilities)),
    isDigit: network.threshold === null || score >= network.threshold,
  };
}

function take(step, inputs) {
  const output = KINDS[step.kind](step, inputs);
  if (step.bias) output.forEach((one, i) => (output[i] = one + step.bias[i % step.bias.length]));
  return ACTIVATIONS[step.activation](output);
}

const KINDS = { convolution, depthwise, pooling, dense, scale, add, average, flatten };

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => x.map((one) => Math.max(one, 0)),
  tanh: (x) => x.map(Math.tanh),
  sigmoid: (x) => x.map((one) => 1 / (1 + Math.exp(-one))),
  softmax: (x) => {
    const most = Math.max(...x), powers = x.map((one) => Math.exp(one - most));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((one) => one / total);
  },
};

// Calls visit(first input number, first number of the kernel's row, first output number) for
// every place where a kernel's cell lies on the picture. Outside of it are zeros.
function eachCell(step, [rows, columns, channels], kernelCells, visit) {
  const [newRows, newColumns, newChannels] = step.shape;
  const [kernelRows, kernelColumns] = step.kernel;
  for (let y = 0; y < newRows; y++) {
    for (let x = 0; x < newColumns; x++) {
      for (let i = 0; i < kernelRows; i++) {
        const row = y * step.stride - step.padding[0] + i;
        if (row < 0 || row >= rows) continue;
        for (let j = 0; j < kernelColumns; j++) {
          const column = x * step.stride - step.padding[1] + j;
          if (column < 0 || column >= columns) continue;
          visit((row * columns + column) * channels, (i * kernelColumns + j) * kernelCells,
                (y * newColumns + x) * newChannels);
        }
      }
    }
  }
}

// Every filter weighs all channels below its kernel.
function convolution(step, [{ values, shape }]) {
  const channels = shape[2], filters = step.shape[2], weights = step.weights;
  const output = new Float32Array(step.shape[0] * step.shape[1] * filters);
  eachCell(step, shape, channels * filters, (from, kernel, to) => {
    for (let channel = 0; channel < channels; channel++) {
      const value = values[from + channel];
      if (value === 0) continue; // most of a picture is black
      const row = kernel + channel * filters;
      for (let f = 0; f < filters; f++) output[to + f] += value * weights[row + f];
    }
  });
  return output;
}

// Every channel has filters of its own.
function depthwise(step, [{ values, shape }]) {
  const channels = shape[2], each = step.shape[2] / channels;
  const output = new Float32Array(step.shape[0] * step.shape[1] * step.shape[2]);
  eachCell(step, shape, step.shape[2], (from, kernel, to) => {
    for (let f = 0; f < step.shape[2]; f++) {
      output[to + f] += values[from + Math.floor(f / each)] * step.weights[kernel + f];
    }
  });
  return output;
}

// The largest of two by two.
function pooling(step, [{ values, shape }]) {
  const [rows, columns, channels] = step.shape, wide = shape[1];
  return Float32Array.from({ length: rows * columns * channels }, (_, index) => {
    const channel = index % channels, place = Math.floor(index / channels);
    const y = 2 * Math.floor(place / columns), x = 2 * (place % columns);
    const at = (row, column) => values[(row * wide + column) * channels + channel];
    return Math.max(at(y, x), at(y, x + 1), at(y + 1, x), at(y + 1, x + 1));
  });
}

function dense(step, [{ values }]) {
  const units = step.shape[0], output = new Float32Array(units);
  values.forEach((value, i) => {
    if (value === 0) return;
    for (let unit = 0; unit < units; unit++) output[unit] += value * step.weights[i * units + unit];
  });
  return output;
}

function scale(step, [{ values }]) {
  return values.map((value, i) => value * step.weights[i % step.weights.length]);
}

function add(step, inputs) {
  return inputs[0].values.map((_, i) => inputs.reduce((sum, { values }) => sum + values[i], 0));
}

function average(step, inputs) {
  return add(step, inputs).map((sum) => sum / inputs.length);
}

function flatten(step, [{ values }]) {
  return values.slice();
}

// Temperature scaling (Guo et al. 2017): p ** (1 / T), made to sum to 1 again.
function sharpen(probabilities, temperature) {
  const logarithms = Array.from(probabilities, (p) => Math.log(Math.max(p, 1e-30)) / temperature);
  return ACTIVATIONS.softmax(logarithms);
}
