#!/usr/bin/env node
// A made-up report that keeps every rule: the self-test plants its faults in it, and it shows how
// long the checks take. Its table holds only the rows in sight, so that 100,000 patients are no load.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e8eaed); --paper: light-dark(#fff, #15181c); --line: light-dark(#c8ccd1, #444a52); --link: light-dark(#0b57b0, #8ab8ff); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper); }
header, main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: bold; padding: .25rem 0; }
th, td { text-align: left; padding: 0 .5rem; border-bottom: 1px solid var(--line); height: 2rem; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--paper); }
th button { font: inherit; color: inherit; background: none; border: 0; padding: .25rem; min-height: 1.75rem; cursor: pointer; }
.rows { max-height: 32rem; overflow: auto; scroll-padding-top: 2.5rem; }
.gap td { padding: 0; border: 0; height: 0; }
input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); padding: .25rem; }
@media print { .rows { max-height: none; overflow: visible; } .gap, .filter { display: none; } }
`;

const page = ({ title, home, body, script = '' }) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header><a href="${home}">Cohort</a></header>
<main>
<h1>${title}</h1>
${body}
</main>
${script}
</body>
</html>
`;

// Keeps the table's data as an array; the document holds the rows in sight and some beside them.
const SCRIPT = `<script>
const ROW = 32, BESIDE = 20;
const all = JSON.parse(document.getElementById('data').textContent);
const box = document.querySelector('.rows'), table = box.querySelector('table'), body = document.getElementById('body');
const [above, below] = document.querySelectorAll('.gap td');
const status = document.querySelector('[role=status]'), filter = document.querySelector('input');
let shown = all, from = -1, to = -1;
function row(at) {
  const [id, risk, group, page] = shown[at];
  const line = document.createElement('tr');
  line.setAttribute('aria-rowindex', at + 2);
  const head = document.createElement('th');
  head.scope = 'row';
  if (page) { const link = document.createElement('a'); link.href = page; link.textContent = id; head.append(link); } else head.textContent = id;
  line.append(head);
  const value = document.createElement('data');
  value.value = risk === null ? '' : risk; value.textContent = risk === null ? 'not estimated' : (100 * risk).toFixed(1) + ' %';
  line.insertCell().append(value);
  line.insertCell().textContent = group;
  return line;
}
function draw(fresh) {
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - BESIDE);
  const end = Math.min(shown.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + BESIDE);
  if (!fresh && first === from && end === to) return;
  const kept = fresh ? new Map() : new Map([...body.rows].map((line) => [Number(line.getAttribute('aria-rowindex')) - 2, line]));
  const lines = [];
  for (let at = first; at < end; at += 1) lines.push(kept.get(at) ?? row(at));
  body.replaceChildren(...lines);
  above.style.height = first * ROW + 'px'; below.style.height = (shown.length - end) * ROW + 'px';
  from = first; to = end;
}
function show(rows) {
  shown = rows; table.setAttribute('aria-rowcount', rows.length + 1);
  box.scrollTop = 0; draw(true);
  status.textContent = rows.length + ' of ' + all.length + ' patients';
}
const collator = new Intl.Collator('en', { numeric: true });
for (const [column, header] of [...table.tHead.rows[0].cells].entries()) {
  header.firstElementChild.addEventListener('click', () => {
    const up = header.getAttribute('aria-sort') !== 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const sign = up ? 1 : -1;
    const compare = column === 1 ? (a, b) => a[1] - b[1] : (a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : 0);
    all.sort((a, b) => (a[column] === null) - (b[column] === null) || sign * compare(a, b));
    search();
  });
}
function search() {
  const text = filter.value.toLowerCase();
  show(text ? all.filter((entry) => entry[0].toLowerCase().includes(text)) : all);
}
filter.addEventListener('input', search);
box.addEventListener('scroll', () => requestAnimationFrame(() => draw(false)));
document.querySelector('.filter').hidden = false;
show(all);
</script>`;

const percent = (risk) => (risk === null ? 'not estimated' : `${(100 * risk).toFixed(1)} %`);

/** Patients whose values follow from their number. */
function patient(number, withPage) {
    const id = `P${String(number).padStart(6, '0')}`;
    const risk = number % 97 === 0 ? null : ((number * 7919) % 100_003) / 100_003;
    return [id, risk, ['low', 'typical', 'high'][number % 3], withPage ? `patients/${id.slice(1)}/index.html` : ''];
}

/** Writes a report of so many patients; a few of them have pages. */
export function writeSample(folder, patients, pages = 3) {
    mkdirSync(folder, { recursive: true });
    const rows = Array.from({ length: patients }, (_, index) => patient(index + 1, index < pages));
    const line = ([id, risk, group, file], index) => `<tr aria-rowindex="${index + 2}"><th scope="row">${file ? `<a href="${file}">${id}</a>` : id}</th><td><data value="${risk ?? ''}">${percent(risk)}</data></td><td>${group}</td></tr>`;
    writeFileSync(join(folder, 'index.html'), page({
        title: 'Made-up cohort', home: 'index.html',
        body: `<p>Risks of ${patients} made-up patients. Nothing here is real: the numbers follow from the number of the patient and serve to check how pages are checked.</p>
<noscript><p>The first rows are shown; all are in <a href="cohort.tsv">cohort.tsv</a>. Sorting needs scripts.</p></noscript>
<p class="filter" hidden><label>Patient <input type="search"></label> <span role="status"></span></p>
<div class="rows" tabindex="0" role="region" aria-labelledby="caption">
<table aria-rowcount="${patients + 1}">
<caption id="caption">Risk of each patient</caption>
<thead><tr aria-rowindex="1"><th scope="col"><button type="button">Patient</button></th><th scope="col"><button type="button">Risk</button></th><th scope="col"><button type="button">Group</button></th></tr></thead>
<tbody class="gap" aria-hidden="true"><tr><td colspan="3"></td></tr></tbody>
<tbody id="body">
${rows.slice(0, 50).map(line).join('\n')}
</tbody>
<tbody class="gap" aria-hidden="true"><tr><td colspan="3"></td></tr></tbody>
</table>
</div>`,
        script: `<script type="application/json" id="data">${JSON.stringify(rows)}</script>\n${SCRIPT}`,
    }));
    writeFileSync(join(folder, 'cohort.tsv'), `patient\trisk\tgroup\n${rows.map((row) => row.slice(0, 3).join('\t')).join('\n')}\n`);
    for (const [id, risk, group, file] of rows.filter((row) => row[3])) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), page({
            title: `Patient ${id}`, home: '../../index.html',
            body: `<p>A made-up patient. The table says the risk and the group; the page says what a page of a patient has to say at the least, in a few plain sentences, so that its length is that of a page that is read by people.</p>
<table><caption>Risks</caption><thead><tr><th scope="col">Outcome</th><th scope="col">Risk</th><th scope="col">Group</th></tr></thead>
<tbody><tr><th scope="row">Made-up</th><td>${percent(risk)}</td><td>${group}</td></tr></tbody></table>`,
        }));
    }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    const [folder, patients] = process.argv.slice(2);
    if (!folder || !/^\d+$/.test(patients ?? '')) {
        console.error('usage: sample.mjs DIR PATIENTS');
        process.exit(2);
    }
    writeSample(folder, Number(patients));
}
