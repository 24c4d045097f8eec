(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("patients");
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const find = document.getElementById("find");
  const attention = document.getElementById("attention");
  const back = document.getElementById("back");
  const forward = document.getElementById("forward");
  const range = document.getElementById("range");
  const size = 100;
  const total = data.patients.length;
  const genes = new Map();
  data.genes.forEach(([row, text]) => genes.set(row, text));
  const flagged = new Map(data.attention);
  // Sorted without the language's rules, as the tables are; letters' case aside for finding.
  const names = data.patients.map((name) => name.toLowerCase());
  let order = Array.from({ length: total }, (_, row) => row);
  let shown = order;
  let page = 0;
  let column = 0;
  let falling = false;

  const percent = (share) => {
    const size = Math.abs(share * 100);
    if (share < 1 && size >= 99.95) return ">\u2009" + "99.9\u00a0%";
    if (size !== 0 && size < 0.01) return "<\u2009" + "0.01\u00a0%";
    const digits = size >= 99.95 || size === 0 ? 0 : size >= 1 ? 1 : 2;
    return (share * 100).toFixed(digits) + "\u00a0%";
  };
  const number = (value) => {
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2);
    const digits = size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
    return String(Number(value.toFixed(digits)));
  };
  const cell = (kind, value, state) => {
    if (value === null) return state === 2 ? "no value" : "–";
    let text;
    if (kind === "share") text = percent(value);
    else if (kind === "percentile") text = value < 0.5 ? "<\u20091" : value >= 99.5 ? ">\u200999" : Math.round(value).toString();
    else text = number(value);
    return state === 1 ? text + " ⚠" : text;
  };
  const linked = data.linked === true ? null : new Set(data.linked);
  const link = (row) => linked === null || linked.has(row)
    ? "patients/" + String(row + 1).padStart(6, "0") + "/index.html" : null;

  const draw = () => {
    const rows = document.createDocumentFragment();
    const from = page * size;
    shown.slice(from, from + size).forEach((row, place) => {
      const line = document.createElement("tr");
      line.setAttribute("aria-rowindex", from + place + 2);
      const head = document.createElement("th");
      head.scope = "row";
      const target = link(row);
      if (target) {
        const anchor = document.createElement("a");
        anchor.href = target;
        anchor.textContent = data.patients[row];
        head.append(anchor);
      } else head.textContent = data.patients[row];
      line.append(head);
      data.columns.forEach((own) => {
        const place = document.createElement("td");
        if (own.kind === "text") {
          place.className = "text";
          place.textContent = (own.name === "genes" ? genes : flagged).get(row) || "–";
        }
        else {
          place.className = "number";
          const text = cell(own.kind, own.values[row], own.states ? own.states[row] : 0);
          if (own.values[row] === null) place.textContent = text;
          else {
            const value = document.createElement("data");
            value.value = own.values[row];
            value.textContent = text;
            place.append(value);
          }
        }
        line.append(place);
      });
      rows.append(line);
    });
    body.replaceChildren(rows);
    table.setAttribute("aria-rowcount", shown.length + 1);
    const last = Math.min(from + size, shown.length);
    range.textContent = shown.length === 0 ? "no patient fits"
      : (from + 1) + " to " + last + " of " + shown.length + (shown.length < total ? " (of " + total + " patients)" : "");
    back.disabled = page === 0;
    forward.disabled = last >= shown.length;
  };
  const filter = () => {
    const text = find.value.trim().toLowerCase();
    shown = order;
    if (attention.checked) shown = shown.filter((row) => flagged.has(row) || genes.has(row));
    if (text) shown = shown.filter((row) => names[row].includes(text) || (genes.get(row) || "").toLowerCase().includes(text));
    page = 0;
    draw();
  };
  const sort = () => {
    const rows = Array.from({ length: total }, (_, row) => row);
    if (column > 0) {
      const own = data.columns[column - 1];
      let key;
      if (own.kind === "text") {
        const texts = own.name === "genes" ? genes : flagged;
        // Rows without text stand last whichever way the others are sorted.
        rows.sort((a, b) => {
          const [x, y] = [texts.get(a), texts.get(b)];
          if (x === undefined || y === undefined) return x === y ? a - b : x === undefined ? 1 : -1;
          return x === y ? a - b : (x < y ? -1 : 1) * (falling ? -1 : 1);
        });
      } else {
        key = own.values;
        rows.sort((a, b) => {
          const [x, y] = [key[a], key[b]];
          if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
          return x === y ? a - b : (falling ? y - x : x - y);
        });
      }
    } else if (falling) rows.reverse();
    order = rows;
    heads.forEach((head, place) => {
      if (place === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    filter();
  };
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // Numbers are looked at from the highest down, names from the first on.
      falling = place === column ? !falling : place > 0 && data.columns[place - 1].kind !== "text";
      column = place;
      sort();
    });
  });
  find.addEventListener("input", filter);
  attention.addEventListener("change", filter);
  back.addEventListener("click", () => { page -= 1; draw(); });
  forward.addEventListener("click", () => { page += 1; draw(); });
  document.getElementById("controls").hidden = false;
  document.getElementById("table-note").textContent = "Choose a column's name to sort by it. ⚠ marks a value to take with care; a patient's name opens the page with the reasons.";
  draw();
})();
