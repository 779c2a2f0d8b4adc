"""A grid of digits in the browser: one picture for all of them, a click says which one.

HTML, CSS and JavaScript for `st.components.v2.component`, and the data that they read. Arrow
keys move from digit to digit, Enter or a click chooses; the value sent is the cell's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_core import words
from mnist_core.data.browse import COLUMNS, sprite
from mnist_core.views.png import png_address

ROOM_PX = 11  # below a digit of 28, for two lines
LEAST_PX = 66  # of a digit on the screen that has lines: fewer columns where there is no room
HTML = """<div class="grid" tabindex="0" role="listbox"><div class="cells"></div></div>
"""
CSS = """
.grid {background: #000; border-radius: 0.5rem; overflow: hidden;
  outline-offset: 2px; touch-action: manipulation}
.grid:focus-visible {outline: 3px solid var(--st-primary-color)}
.cells {display: grid; grid-template-columns:
  repeat(auto-fill, minmax(max(var(--least), 100% / var(--columns) - 1px), 1fr))}
.cells > div {width: 100%; box-sizing: border-box; aspect-ratio: var(--shape); cursor: pointer;
  background: var(--picture) 0 var(--from) / 100% var(--all); image-rendering: pixelated;
  color: #FFF; font: 600 0.7rem/1 var(--st-font); padding: 3px;
  text-shadow: 0 0 3px #000, 0 0 3px #000; position: relative;
  min-width: 0; min-height: 0; user-select: none}
.cells > div:hover, .cells > div.at {box-shadow: inset 0 0 0 2px #56B4E9}
.cells > div.chosen {box-shadow: inset 0 0 0 3px #E69F00}
.cells > div.wrong {color: #FF9E57}
.cells span {position: absolute; inset: auto 0 3%; text-align: center; white-space: pre-line;
  font: 400 0.8rem/1.15 var(--st-font)}
.cells > div:has(span) {container-type: inline-size}
@container (max-width: 90px) {.cells span {font-size: 0.7rem}}
@container (max-width: 60px) {.cells span {display: none}}
@media (max-width: 480px) {.cells > div:not(:has(span)) {font-size: 0.5rem; padding: 1px}}
"""
JS = """
export default function ({data, parentElement, setTriggerValue}) {
  const grid = parentElement.querySelector('.grid');
  const cells = grid.querySelector('.cells');
  grid.setAttribute('aria-label', data.alt);
  const count = data.titles.length;
  const style = {picture: `url(${data.picture})`, all: `${100 * count}%`, shape: data.shape,
                 columns: data.columns, least: `${data.least_px}px`};
  for (const name in style) cells.style.setProperty(`--${name}`, style[name]);
  cells.replaceChildren(...data.titles.map((title, i) => {
    const cell = document.createElement('div');
    cell.id = `digit-${i}`;
    cell.title = title;
    cell.style.setProperty('--from', `${100 * i / Math.max(1, count - 1)}%`);
    cell.setAttribute('role', 'option');
    cell.setAttribute('aria-label', title);
    cell.textContent = data.captions[i] ?? '';
    cell.classList.toggle('wrong', (data.captions[i] ?? '').includes('→'));
    cell.onclick = () => choose(i);
    if (data.lines[i]) {
      const lines = document.createElement('span');
      lines.textContent = data.lines[i];
      cell.append(lines);
    }
    return cell;
  }));
  let chosen = data.chosen ?? -1, at = chosen;
  const mark = () => {
    [...cells.children].forEach((cell, i) => {
      cell.classList.toggle('chosen', i === chosen);
      cell.classList.toggle('at', i === at);
      cell.setAttribute('aria-selected', i === chosen);
    });
    if (at >= 0) grid.setAttribute('aria-activedescendant', `digit-${at}`);
    else grid.removeAttribute('aria-activedescendant');
  };
  const choose = (i) => {
    chosen = at = i;
    mark();
    setTriggerValue('clicked', i);
  };
  mark();
  grid.onkeydown = (event) => {
    const columns = getComputedStyle(cells).gridTemplateColumns.split(' ').length;
    const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns};
    if (event.key === 'Enter' && at >= 0) choose(at);
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = at < 0 ? 0 : at + steps[event.key];
    if (to < 0 || to >= count) return;
    at = to;
    mark();
  };
}
"""


def grid_data(
    images: np.ndarray,
    titles: Sequence[str],
    captions: Sequence[str] = (),
    chosen: int | None = None,
    columns: int = COLUMNS,
    lines: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the grid reads.

    images: (n, 28, 28) uint8; titles: what a digit is called on hover; captions: what stands in
    its corner, where "→" marks it as doubtful; chosen: the cell that is framed; columns: how
    many there are at most; lines: what stands below each digit, two lines.
    """
    if lines:
        images = np.pad(images, ((0, 0), (0, ROOM_PX), (0, 0)))
    return {
        "picture": png_address(sprite(images, 1)),
        "shape": images.shape[2] / images.shape[1],
        "titles": list(titles),
        "captions": list(captions),
        "lines": list(lines),
        "chosen": chosen,
        "columns": columns,
        "least_px": LEAST_PX if lines else 0,
        "alt": f"{len(images)} digits; arrow keys move, Enter chooses",
    }


def tile_words(probabilities: np.ndarray, labels: np.ndarray) -> tuple[list[str], list[str]]:
    """Return what stands below each digit, a network's answer and the true digit with their
    probabilities; and the same as a sentence for who hears the page.

    probabilities: (n, 10); labels: (n,).
    """
    lines, titles = [], []
    for label, given in zip(labels, probabilities, strict=True):
        answer = int(given.argmax())
        digits = [answer] if answer == label else [answer, label]
        lines.append("\n".join(f"{one}: {words.chance(float(given[one]))}" for one in digits))
        heard, *own = [words.heard_chance(float(given[one])) for one in digits]
        title = f"labelled {label}, read as {answer} with {heard}"
        titles.append("; ".join([title, *(f"{label} got {chance}" for chance in own)]))
    return lines, titles
