// A drawing -> the 28x28 image that MNIST would have made of it: the rule of mnist_core's
// ink/preprocessing.py, with Pillow's resampling. LeCun, Bottou, Bengio & Haffner 1998, III.A.
"use strict";

const IMAGE_SIZE_PX = 28, BOX_SIZE_PX = 20, CENTRE_INDEX = 14;
const LEAST_INK = Math.fround(8 / 255); // below it a pixel is background
const LEAST_CONTRAST = 24; // of 255; a drawing with less has nothing to read

// rgba: height * width * 4 bytes, row by row. Returns 784 numbers in [0, 1], white ink on black,
// or null where there is no ink.
function mnistImage(rgba, width, height) {
  const ink = findInk(rgba, width, height);
  if (ink === null) return null;
  const box = boundingBox(ink, width, height);
  return placeByMass(scaleToBox(crop(ink, width, box)));
}

// How much ink each pixel holds: what is opaque on a transparent border, else what differs from
// the border's colour in whichever channel it differs most. Float32Array, or null.
function findInk(rgba, width, height) {
  const difference = new Uint8Array(width * height);
  if (borderMedian(rgba, width, height, 3) < 128) {
    for (let i = 0; i < difference.length; i++) difference[i] = rgba[4 * i + 3];
  } else {
    for (let channel = 0; channel < 3; channel++) {
      const background = borderMedian(rgba, width, height, channel);
      for (let i = 0; i < difference.length; i++) {
        const distance = Math.abs(rgba[4 * i + channel] - background);
        if (distance > difference[i]) difference[i] = distance;
      }
    }
    for (let i = 0; i < difference.length; i++) {
      difference[i] = Math.floor(difference[i] * rgba[4 * i + 3] / 255);
    }
  }
  let most = 0;
  for (const one of difference) if (one > most) most = one;
  if (most < LEAST_CONTRAST) return null;
  const ink = new Float32Array(difference.length);
  for (let i = 0; i < ink.length; i++) {
    const share = Math.fround(difference[i] / most);
    if (share >= LEAST_INK) ink[i] = share;
  }
  return ink;
}

function borderMedian(rgba, width, height, channel) {
  const at = (row, column) => rgba[4 * (row * width + column) + channel];
  const values = [];
  for (let x = 0; x < width; x++) values.push(at(0, x), at(height - 1, x));
  for (let y = 0; y < height; y++) values.push(at(y, 0), at(y, width - 1));
  values.sort((a, b) => a - b);
  const middle = values.length / 2; // their number is even
  return Math.floor((values[middle - 1] + values[middle]) / 2);
}

function boundingBox(ink, width, height) {
  const box = { top: height, left: width, bottom: 0, right: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] === 0) continue;
      box.top = Math.min(box.top, y);
      box.left = Math.min(box.left, x);
      box.bottom = y + 1;
      box.right = Math.max(box.right, x + 1);
    }
  }
  return box;
}

function crop(ink, width, { top, left, bottom, right }) {
  const pixels = new Float32Array((bottom - top) * (right - left));
  for (let y = top; y < bottom; y++) {
    pixels.set(ink.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  }
  return { pixels, width: right - left, height: bottom - top };
}

// Python rounds halves to the even neighbour.
function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

// The longer side becomes 20 pixels: the mean of what falls into a pixel when shrinking, smooth
// edges when enlarging. As Pillow does it: across, then down, float32 in between.
function scaleToBox({ pixels, width, height }) {
  const factor = BOX_SIZE_PX / Math.max(height, width);
  const newWidth = Math.max(1, roundHalfEven(width * factor));
  const newHeight = Math.max(1, roundHalfEven(height * factor));
  const across = new Float32Array(newWidth * height);
  resamplingWeights(width, newWidth, factor < 1).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * pixels[y * width + first + i];
      across[y * newWidth + x] = sum;
    }
  });
  const scaled = new Float32Array(newWidth * newHeight);
  resamplingWeights(height, newHeight, factor < 1).forEach(({ first, weights }, y) => {
    for (let x = 0; x < newWidth; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * across[(first + i) * newWidth + x];
      scaled[y * newWidth + x] = Math.min(Math.max(sum, 0), 1);
    }
  });
  return { pixels: scaled, width: newWidth, height: newHeight };
}

// For each new pixel of a row: the first old one that counts, and how much it and the following
// count. A box filter when shrinking, bilinear when enlarging.
function resamplingWeights(oldSize, newSize, shrinking) {
  const filter = shrinking
    ? (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)
    : (x) => Math.max(0, 1 - Math.abs(x));
  const step = oldSize / newSize, stretch = Math.max(step, 1);
  const support = (shrinking ? 0.5 : 1) * stretch;
  return Array.from({ length: newSize }, (_, index) => {
    const centre = (index + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(oldSize, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let i = first; i < end; i++) weights.push(filter((i - centre + 0.5) / stretch));
    const total = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

// The centre of mass goes to the middle of the field, as far as the frame allows.
function placeByMass({ pixels, width, height }) {
  let mass = 0, rows = 0, columns = 0;
  pixels.forEach((ink, i) => {
    mass += ink;
    rows += ink * Math.floor(i / width);
    columns += ink * (i % width);
  });
  const place = (centre, size) =>
    Math.min(Math.max(roundHalfEven(CENTRE_INDEX - centre), 0), IMAGE_SIZE_PX - size);
  const top = place(rows / mass, height), left = place(columns / mass, width);
  const image = new Float32Array(IMAGE_SIZE_PX * IMAGE_SIZE_PX);
  for (let y = 0; y < height; y++) {
    image.set(pixels.subarray(y * width, (y + 1) * width), (top + y) * IMAGE_SIZE_PX + left);
  }
  return image;
}
