"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const table = JSON.parse(by("decisions").textContent);
  const form = by("controls");
  const sliders = { threshold: by("threshold"), budget: by("budget") };
  const line = document.querySelector("[id$='live-line']");

  const percent = (share) => {
    if (share === null) return "n/a";
    if (share === 0 || share === 1) return `${100 * share}\u202f%`;
    const size = Math.abs(share);
    return `${(100 * share).toFixed(size >= 0.1 ? 1 : size >= 0.01 ? 2 : 3)}\u202f%`;
  };
  const number = (value, digits = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const money = (value) => number(value, Math.abs(value) < 1000 ? 2 : 0);

  const show = (id, text, value) => {
    by(id).textContent = text;
    by(id).dataset.value = value === null ? "" : String(value);
  };

  const draw = ([, acted, found]) => {
    const missed = table.positives - found;
    const [hit, alarm, rest, miss] = table.profit;
    const wrong = acted - found;
    const profit = found * hit + wrong * alarm + (table.rows - table.positives - wrong) * rest + missed * miss;
    const perDay = acted / table.days;
    const precision = acted ? found / acted : null;
    const recall = table.positives ? found / table.positives : null;
    show("acted", number(perDay, 1), perDay);
    show("precision", percent(precision), precision);
    show("recall", percent(recall), recall);
    show("reached", number(found), found);
    show("profit", money(profit), profit);
    if (line) {
      line.style.visibility = acted ? "visible" : "hidden";
      const shift = table.line[0] + table.line[1] * Math.log10(perDay);
      if (acted) line.setAttribute("transform", `translate(${shift} 0)`);
    }
  };

  const update = () => {
    const kind = form.elements.by.value;
    for (const [name, slider] of Object.entries(sliders)) slider.closest(".slider").hidden = name !== kind;
    const slider = sliders[kind];
    const row = table[kind][slider.valueAsNumber];
    const text =
      kind === "budget"
        ? `the best ${number(row[0])} ${table.words.each}`
        : row[0] === null
          ? "never act"
          : `act from a probability of ${percent(row[0])} on`;
    slider.setAttribute("aria-valuetext", text);
    by(`${kind}-text`).textContent = text;
    const own = kind === "threshold" && slider.valueAsNumber === table.chosen;
    by("which").textContent = own ? table.own : kind === "budget" ? table.words.your_budget : "The threshold you set";
    by("intervals").hidden = !own;
    draw(row);
  };

  const nearest = (perDay) => {
    const gap = ([, acted]) => Math.abs(acted / table.days - perDay);
    return table.budget.reduce((best, row, index) => (gap(row) < gap(table.budget[best]) ? index : best), 0);
  };
  const reset = () => {
    const chosen = table.threshold[table.chosen];
    form.elements.by.value = "threshold";
    sliders.threshold.value = table.chosen;
    sliders.budget.value = nearest(chosen[1] / table.days);
    update();
  };

  sliders.threshold.max = table.threshold.length - 1;
  sliders.budget.max = table.budget.length - 1;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  by("reset").addEventListener("click", reset);
  form.hidden = false;
  reset();
})();
