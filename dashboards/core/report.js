// Draws the figures in the colours of the reader's theme, sorts and filters tables, shows one trial in every figure.
"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const places = figures.map((_, index) => document.getElementById(`figure-${index}`));
  const card = document.getElementById("selected");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const finePointer = matchMedia("(pointer: fine)");
  let selected = null;

  // A colour in a figure is the name of a CSS variable: plotly itself does not know them.
  function themed(node, styles) {
    if (typeof node === "string" && node.startsWith("var(--")) return styles.getPropertyValue(node.slice(4, -1)).trim();
    if (Array.isArray(node)) return node.map((child) => themed(child, styles));
    if (node === null || typeof node !== "object") return node;
    const plain = ["text", "ticktext", "customdata", "x", "y"];
    return Object.fromEntries(
      Object.entries(node).map(([key, child]) => [key, plain.includes(key) ? child : themed(child, styles)]),
    );
  }

  function draw(index) {
    const figure = themed(figures[index], getComputedStyle(document.documentElement));
    const place = places[index];
    const width = place.clientWidth;
    figure.layout.width = width;
    // A finger that scrolls the page is not to zoom the figure under it.
    figure.layout.dragmode = finePointer.matches && figure.layout.dragmode !== false ? "zoom" : false;
    mark(figure.data, selected);
    const config = {
      displaylogo: false,
      displayModeBar: finePointer.matches,
      modeBarButtons: [["toImage", "resetScale2d"]],
      doubleClick: "reset",
    };
    const first = !place.classList.contains("js-plotly-plot");
    Plotly.react(place, figure.data, figure.layout, config);
    if (first) place.on("plotly_click", (event) => pick(event.points[0].customdata));
  }

  function mark(data, trial) {
    const overlay = data.find((trace) => trace.meta === "selection");
    if (!overlay) return;
    overlay.x = [];
    overlay.y = [];
    for (const trace of data) {
      if (trace === overlay || !trace.customdata || trial === null) continue;
      trace.customdata.forEach((id, point) => {
        if (id !== trial) return;
        overlay.x.push(trace.x[point]);
        overlay.y.push(trace.y[point]);
      });
    }
  }

  function pick(trial) {
    if (typeof trial !== "string") return;
    selected = trial === selected ? null : trial;
    places.forEach((place) => {
      if (!place.classList.contains("js-plotly-plot")) return;
      const at = place.data.findIndex((trace) => trace.meta === "selection");
      if (at < 0) return;
      mark(place.data, selected);
      Plotly.restyle(place, { x: [place.data[at].x], y: [place.data[at].y] }, [at]);
    });
    let row = null;
    document.querySelectorAll("button[data-trial]").forEach((button) => {
      const chosen = button.dataset.trial === selected;
      button.setAttribute("aria-pressed", String(chosen));
      button.closest("tr").classList.toggle("picked", chosen);
      if (chosen && button.closest("table.sortable")) row = button.closest("tr");
    });
    describe(row);
  }

  function describe(row) {
    card.replaceChildren();
    card.hidden = row === null;
    if (row === null) return;
    const names = [...row.closest("table").tHead.rows[0].cells].map((cell) => cell.textContent);
    const title = document.createElement("h3");
    title.textContent = selected;
    const list = document.createElement("dl");
    [...row.cells].forEach((cell, column) => {
      if (column === 0 || !cell.textContent.trim()) return;
      const name = document.createElement("dt");
      const value = document.createElement("dd");
      name.textContent = names[column];
      value.textContent = cell.textContent;
      list.append(name, value);
    });
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", `Clear the selection of ${selected}`);
    close.addEventListener("click", () => pick(selected));
    card.append(title, list, close);
  }

  function sortBy(heading) {
    const table = heading.closest("table");
    const column = [...heading.parentNode.cells].indexOf(heading);
    const falling = heading.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const keyed = [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      return { row, key: cell.dataset.sort ?? cell.textContent };
    });
    const numbers = keyed.every(({ key }) => key === "" || !Number.isNaN(Number(key)));
    const compare = numbers ? (a, b) => Number(a) - Number(b) : new Intl.Collator(undefined, { numeric: true }).compare;
    keyed.sort((a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === ""); // what has no value stays last
      return falling ? compare(b.key, a.key) : compare(a.key, b.key);
    });
    table.tBodies[0].append(...keyed.map(({ row }) => row));
  }

  function filter(input) {
    const words = input.value.toLowerCase().split(/\s+/);
    const rows = [...document.getElementById(input.dataset.filters).querySelectorAll("tbody tr")];
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    input.parentNode.querySelector("output").textContent = input.value ? `${shown} of ${rows.length}` : "";
  }

  document.querySelectorAll("table.sortable thead button").forEach((button) => {
    button.addEventListener("click", () => sortBy(button.parentNode));
  });
  document.querySelectorAll("button[data-trial]").forEach((button) => {
    button.addEventListener("click", () => pick(button.dataset.trial));
  });
  document.querySelectorAll("input[data-filters]").forEach((input) => {
    input.addEventListener("input", () => filter(input));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && selected !== null) pick(selected);
  });

  // One figure at a time, so that the page answers while they are drawn.
  let next = 0;
  function drawNext() {
    if (next === figures.length) {
      document.documentElement.dataset.drawn = "true";
      return;
    }
    draw(next++);
    setTimeout(drawNext);
  }
  drawNext();

  const redraw = () => places.forEach((_, index) => draw(index));
  dark.addEventListener("change", redraw);
  let width = innerWidth;
  let waiting;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar coming and going
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 120);
  });
})();
