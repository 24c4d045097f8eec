#!/usr/bin/env node
// Shows that check.mjs finds what it is there to find: a good report passes, and each fault planted
// in it is named, in the windows in which it shows, and nothing else is.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sorted } from './order.mjs';
import { writeSample } from './sample.mjs';

const CHECK = fileURLToPath(new URL('check.mjs', import.meta.url));
const END = '</main>';
const put = (html) => [[END, `${html}${END}`]];
const style = (rules) => [['</style>', `${rules}</style>`]];
const CSP = /<meta http-equiv="Content-Security-Policy"[^>]*>/;

const SCRIPTS = /^(desktop|phone), \w+$|^keyboard$/;
const NO_SCRIPTS = /, without scripts$/;
const DARK = /, dark/;
const PHONE = /^phone/;
const PAPER = /^print$/;
// name, replacements in the page, the faults to be found, the windows in which alone they may be found.
const PATIENT_FAULTS = [
    ['image from the network', [[CSP, ''], ...put('<img src="https://example.org/a.png" alt="">')], [/external request: https:\/\/example/, /refers to something outside/, /ERR_NAME_NOT_RESOLVED/]],
    ['blocked image', put('<img src="https://example.org/a.png" alt="">'), [/Content Security Policy/, /refers to something outside/, /external request/]],
    ['style from the network that nothing uses', style('.never { background: url(https://example.org/a.png) }'), [/refers to something outside: style url/]],
    ['lazy image from the network', put('<div style="height: 9000px"></div><img loading="lazy" src="//example.org/a.png" alt="">'), [/refers to something outside: <img/, /file:\/\/example|Content Security Policy/]],
    ['image beside the report', [[CSP, ''], ...put('<img src="../../../outside.svg" alt="">')], [/request outside the report's folder/, /ERR_FILE_NOT_FOUND/]],
    ['input without a label', put('<input type="text">'), [/axe label \(critical\)/]],
    ['links that lead nowhere', put('<a href="000999.html">one more patient</a> <a href="../../../../etc/passwd">elsewhere</a> <a href="../../index.html#nowhere">nowhere</a> <a href="javascript:void 0">act</a>'), [/link '000999.html' leads to a file that is missing/, /passwd' leads out of the report's folder/, /nowhere' leads to a place that is missing in index.html/, /'javascript:void 0' is a script/]],
    ['neither language nor title', [['<html lang="en">', '<html>'], [/<title>.*<\/title>/, '']], [/<html> has no lang/, /axe html-has-lang/, /no <title>/, /axe document-title/]],
    ['an id twice', put('<p id="twice">a</p><p id="twice">b</p>'), [/id 'twice' is given more than once/]],
    ['texts of values that are none', put('<p>The risk is undefined here.</p><p>The risk is NaN %.</p><details><summary>More</summary><p>-inf</p></details>'), [/shows 'undefined' in <p>/, /shows 'NaN' in <p>/, /shows '-inf' in <p>/]],
    ['complaints of scripts', put('<script>console.error("planted error"); console.warn("planted warning"); throw new Error("planted end")</script>'), [/console error: planted error/, /console warning: planted warning/, /page error: planted end/], SCRIPTS],
    ['object as text', put('<p></p><script>document.querySelector("main > p:last-of-type").textContent = "" + {}</script>'), [/shows '\[object Object\]'/], SCRIPTS],
    ['NaN in a picture', put('<svg role="img" aria-label="plot"><path d="M NaN 3"/></svg>'), [/shows 'M NaN 3' as d/, /console error: Error: <path>/]],
    ['content by script', [[/<main>([\s\S]*)<\/main>/, '<main></main><script>document.querySelector("main").innerHTML = `$1`</script>']], [/<main> shows 0 characters without scripts/, /no table with rows without scripts/], NO_SCRIPTS],
    ['rows by script', [[/<tbody>(.*)<\/tbody>/, '<tbody></tbody>'], ...put('<script>document.querySelector("tbody").innerHTML = "<tr><th scope=row>Made-up</th><td>1 %</td><td>low</td></tr>"</script>')], [/no table with rows without scripts/], NO_SCRIPTS],
    ['roll of paper', put('<div style="height: 90000px"></div>'), [/prints on \d+ pages/], PAPER],
    ['blank paper', style('@media print { main { display: none } }'), [/<main> shows 0 characters/], PAPER],
    ['column cut off on paper', style('.box { overflow: auto } .box div { width: 1500px }').concat(put('<div class="box" tabindex="0" role="region" aria-label="wide"><div>wide</div></div>')), [/paper cuts off the right/], PAPER],
];

// Faults that show only in some windows, so that all are opened.
const WINDOW_FAULTS = [
    ['faint text in the dark', style('@media (prefers-color-scheme: dark) { caption { color: #444 } }'), [/axe color-contrast \(serious\)/], DARK],
    ['too wide for a phone', put('<div id="wide" style="width: 600px">wide</div>'), [/is \d+ pixels wide in a window of 390: .*#wide/], PHONE],
    ['no width of the device', [[/<meta name="viewport"[^>]*>/, '']], [/no <meta name="viewport"/, /is 980 pixels wide/], PHONE],
];

const COHORT_FAULTS = [
    ['headers that do nothing', [["header.firstElementChild.addEventListener('click'", "header.firstElementChild.addEventListener('never'"]], [/Enter on '.*' leaves aria-sort at 'none'/]],
    ['sorts only in name', [[/all\.sort\(.*\);/, '']], [/says (ascending|descending), but its rows are not/, /show the same rows/]],
    ['sorts one way only', [['const sign = up ? 1 : -1', 'const sign = 1']], [/says descending, but its rows are not/, /show the same rows/]],
    ['headers without buttons', [[/<button type="button">(\w+)<\/button>/g, '<span>$1</span>']], [/no table with sortable columns/]],
    ['headers that Tab skips', [[/<button type="button">Risk/, '<button type="button" tabindex="-1">Risk']], [/Tab does not reach the header 'Risk'/]],
    ['focus that nothing shows', style('th button:focus-visible { outline: none }'), [/nothing shows that the header/]],
    ['focus lost', [['search();\n  });', 'search(); document.activeElement.blur();\n  });']], [/loses the focus/]],
    ['slow sort', [['const sign =', 'const until = performance.now() + 1200; while (performance.now() < until); const sign =']], [/sorting by '.*' takes 1[2-9]\d\d ms/]],
    ['slow to open', [['let shown = all', 'const until = performance.now() + 1200; while (performance.now() < until); let shown = all']], [/opening blocks the page/]],
    ['two columns sorted at once', [["other.removeAttribute('aria-sort')", "other.id"]], [/still has aria-sort/]],
    ['filter that does nothing', [["filter.addEventListener('input', search)", '']], [/the filter 'P\d+' leaves 300 of 300 rows/, /the filter 'zqxjzqxj' leaves rows/]],
    ['rows without their place', [["line.setAttribute('aria-rowindex', at + 2)", '']], [/not every row has an aria-rowindex/]],
    ['last row out of reach', [["box.addEventListener('scroll'", "box.addEventListener('never'"]], [/End shows row \d+, not the last of 301/]],
    ['no rows without scripts', [[/<tbody id="body">[\s\S]*?<\/tbody>/, '<tbody id="body"></tbody>']], [/no table with rows without scripts/]],
];

const ORDERS = [
    [['9 %', '10 %', '—', 'not estimated'], 'ascending', true],
    [['10 %', '9 %'], 'ascending', false],
    [['10', '9', '1e-3', '−2'], 'descending', true],
    [['1,000', '200'], 'ascending', false],
    [['1', '—', '2'], 'ascending', false],
    [['P2', 'P10'], 'ascending', true],
    [['P10', 'P2'], 'ascending', true],
    [['b', 'a', 'c'], 'ascending', false],
    [['low', 'low', 'moderate', 'high'], 'ascending', true],
    [['low', 'high', 'low'], 'ascending', false],
];

const wrong = [];
const work = mkdtempSync(join(tmpdir(), 'varisk-pages-'));

function plant(file, name, replacements) {
    let text = readFileSync(file, 'utf8');
    for (const [from, to] of replacements) {
        const changed = text.replace(from, to);
        if (changed === text) throw new Error(`'${name}' is planted nowhere: the sample has no ${from}`);
        text = changed;
    }
    writeFileSync(file, text);
}

/** Runs the check; gives its faults as `{ page, modes, text }`. */
function check(...words) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CHECK, ...words], { encoding: 'utf8' });
    const faults = [...stdout.matchAll(/^fault: (\S+) \[(.*?)\]: (.*)$/gm)].map(([, page, modes, text]) => ({ page, modes: modes.split('; '), text }));
    return { status, stdout, stderr, faults };
}

/** Every expected fault is there, no other is, and none where it cannot show ('every window' matches no limit). */
function compare(name, faults, expected, onlyIn = /./) {
    for (const pattern of expected) {
        if (!faults.some(({ text }) => pattern.test(text))) wrong.push(`'${name}' is not found: nothing like ${pattern}`);
    }
    for (const { modes, text } of faults) {
        if (!expected.some((pattern) => pattern.test(text))) wrong.push(`'${name}' is found as something else: ${text}`);
        const mistaken = modes.filter((mode) => mode !== 'print' && !onlyIn.test(mode));
        if (mistaken.length > 0) wrong.push(`'${name}' is found in ${mistaken.join('; ')}: ${text}`);
    }
}

function expectStatus(what, { status, stdout, stderr }, expected) {
    if (status !== expected) wrong.push(`${what} ends with exit code ${status}, not ${expected}:\n${stdout}${stderr}`);
}

try {
    for (const [keys, sort, expected] of ORDERS) {
        if (sorted(keys, sort) !== expected) wrong.push(`${keys.join(' | ')} is ${expected ? 'not ' : ''}held to be ${sort}`);
    }

    const good = join(work, 'good');
    writeSample(good, 100_000, 1);
    expectStatus('a good report', check(good), 0);
    expectStatus('no argument', check(), 2);
    expectStatus('a folder without a report', check(work), 2);
    expectStatus('a page that is missing', check(join(good, 'patients/000009/index.html')), 2);

    for (const [kind, faults, words] of [['patient', PATIENT_FAULTS, ['--quick']], ['window', WINDOW_FAULTS, []]]) {
        const folder = join(work, `${kind}-faults`);
        writeSample(folder, 300, faults.length);
        const pages = faults.map(([name, replacements], index) => {
            const page = join(folder, 'patients', String(index + 1).padStart(6, '0'), 'index.html');
            plant(page, name, replacements);
            return page;
        });
        const found = check(...words, ...pages);
        expectStatus(`pages with ${kind} faults`, found, 1);
        for (const [index, [name, , expected, onlyIn]] of faults.entries()) {
            compare(name, found.faults.filter(({ page }) => basename(dirname(page)) === basename(dirname(pages[index]))), expected, onlyIn);
        }
    }

    const cohorts = COHORT_FAULTS.map(([name, replacements], index) => {
        const folder = join(work, `cohort-${String(index + 1).padStart(2, '0')}`);
        writeSample(folder, 300, 1);
        plant(join(folder, 'index.html'), name, replacements);
        return folder;
    });
    const seen = check('--quick', '--patients', '0', ...cohorts);
    expectStatus('cohort pages with faults', seen, 1);
    for (const [index, [name, , expected]] of COHORT_FAULTS.entries()) {
        compare(name, seen.faults.filter(({ page }) => page.includes(cohorts[index])), expected);
    }
} finally {
    rmSync(work, { recursive: true });
}

for (const line of wrong) console.log(`self-test: ${line}`);
console.log(`self-test: ${PATIENT_FAULTS.length + WINDOW_FAULTS.length + COHORT_FAULTS.length} pages with planted faults, ${ORDERS.length} orders, ${wrong.length} wrong`);
process.exitCode = wrong.length > 0 ? 1 : 0;
