"use strict";
// Shows one row of the table of thresholds at a time.
const table = document.getElementById("thresholds");
const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
const slider = document.getElementById("threshold");
const list = document.getElementById("consequences");
function show() {
  const cells = [...table.tBodies[0].rows[Number(slider.value)].cells];
  document.getElementById("chosen").replaceChildren(cells[0].firstElementChild.cloneNode(true));
  list.replaceChildren(...cells.slice(1).map((cell, place) => {
    const pair = document.createElement("div");
    const head = document.createElement("dt");
    const value = document.createElement("dd");
    head.textContent = heads[place + 1];
    value.append(cell.firstElementChild.cloneNode(true));
    pair.append(head, value);
    return pair;
  }));
}
slider.addEventListener("input", show);
slider.parentElement.hidden = list.hidden = false;
show();
