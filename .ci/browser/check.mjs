#!/usr/bin/env node
// Opens the pages of a report from disk in headless Chromium, in every window in which they are
// read, and fails on what must not be: see page-checks.mjs and table-checks.mjs.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, openWindow, settle, stop, within } from './browser.mjs';
import { Findings } from './findings.mjs';
import { checkAccessibility, checkContent, checkPrint, watch, withoutScripts } from './page-checks.mjs';
import { checkTables } from './table-checks.mjs';

const USAGE = `usage: check.mjs [options] REPORT_DIR|PAGE.html ...
  --patients N        check the first N patient pages (default 5); pages that are named are checked besides
  --print-pages N     the most sheets a page may print on (default 40)
  --sort-budget MS    the most time for sorting up to 100,000 rows (default 1000)
  --quick             only a light window of a desktop, with scripts and without, paper and keyboard`;

const WINDOWS = ['desktop', 'phone'].flatMap((window) => ['light', 'dark'].flatMap((colorScheme) => [true, false].map((scripts) => ({
    window, colorScheme, scripts, name: `${window}, ${colorScheme}${scripts ? '' : ', without scripts'}`,
}))));

function readArguments() {
    let parsed;
    try {
        parsed = parseArgs({
            allowPositionals: true,
            options: { patients: { type: 'string', default: '5' }, 'print-pages': { type: 'string', default: '40' }, 'sort-budget': { type: 'string', default: '1000' }, quick: { type: 'boolean', default: false } },
        });
    } catch (error) {
        stop(`${error.message}\n${USAGE}`);
    }
    const { values: { quick, ...values }, positionals } = parsed;
    const numbers = Object.fromEntries(Object.entries(values).map(([name, text]) => {
        if (!/^\d+$/.test(text)) stop(`--${name} takes a number, not '${text}'`);
        return [name, Number(text)];
    }));
    if (positionals.length === 0) stop(`no report is named\n${USAGE}`);
    return { patients: numbers.patients, mostPages: numbers['print-pages'], budget: numbers['sort-budget'], quick, paths: positionals };
}

/** The pages to check: `{ folder, file, name, kind }`, each once, in the order of the arguments. */
function pagesOf({ paths, patients }) {
    const pages = new Map();
    const add = (folder, file, shown) => {
        const kind = file === join(folder, 'index.html') ? (existsSync(join(folder, 'patients')) ? 'cohort' : '') : basename(dirname(dirname(file))) === 'patients' ? 'patient' : '';
        pages.set(file, { folder, file, kind, name: join(shown, relative(folder, file)) });
    };
    for (const path of paths) {
        const file = resolve(path);
        if (!existsSync(file)) stop(`${path} is not there`);
        if (statSync(file).isDirectory()) {
            if (!existsSync(join(file, 'index.html'))) stop(`${path} holds no index.html`);
            add(file, join(file, 'index.html'), path);
            const folder = join(file, 'patients');
            const pages = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, 'index.html')).filter(existsSync).sort() : [];
            // A comparison of runs has no patients' pages; a report of patients has some.
            if (pages.length === 0 && existsSync(folder)) stop(`${path} holds no pages of patients (patients/*/index.html)`);
            for (const page of pages.slice(0, patients)) add(file, page, path);
        } else {
            let folder = dirname(file);
            // A patient's page is an index of its own folder, two below that of the report.
            if (basename(dirname(folder)) === 'patients') folder = dirname(dirname(folder));
            while (!existsSync(join(folder, 'index.html')) && folder !== dirname(folder)) folder = dirname(folder);
            if (!existsSync(join(folder, 'index.html'))) stop(`${path} belongs to no report: no folder above it holds an index.html`);
            add(folder, file, relative(resolve('.'), folder) || '.');
        }
    }
    return [...pages.values()];
}

/** One page in one window. */
async function checkMode(browser, page, mode, findings) {
    const report = findings.of(page.name, mode.name);
    const url = pathToFileURL(page.file).href;
    const context = await openWindow(browser, mode);
    try {
        const tab = await context.newPage();
        watch(tab, page.folder, report);
        await tab.goto(url, { waitUntil: 'load' });
        if (mode.scripts) await settle(tab);
        await checkContent(tab, { folder: page.folder, kind: page.kind, scripts: mode.scripts, window: mode.window }, report);
        if (mode.scripts) await checkAccessibility(tab, report);
    } finally {
        await context.close();
    }
    if (mode.scripts) return;
    const twin = await openWindow(browser, { ...mode, scripts: true });
    try {
        await withoutScripts(twin);
        const tab = await twin.newPage();
        await tab.goto(url, { waitUntil: 'load' });
        await checkAccessibility(tab, report);
    } finally {
        await twin.close();
    }
}

/** Opens a page once more, for what no colour and no width changes. */
async function withTab(browser, page, mode, findings, check) {
    const context = await openWindow(browser, { window: 'desktop', colorScheme: 'light' });
    try {
        const report = findings.of(page.name, mode);
        const tab = await context.newPage();
        watch(tab, page.folder, report);
        await tab.goto(pathToFileURL(page.file).href, { waitUntil: 'load' });
        await settle(tab);
        await check(tab, report);
    } finally {
        await context.close();
    }
}

const checkPaper = (browser, page, options, findings) => withTab(browser, page, 'print', findings, (tab, report) => checkPrint(tab, options, report));

const checkKeyboard = (browser, page, options, findings) => withTab(browser, page, 'keyboard', findings, (tab, report) => within(300_000, 'the check of the tables', checkTables(tab, options, report)));

/** Runs checks, some at a time: they mostly wait for the browser. */
async function runAll(checks, atOnce) {
    const left = [...checks];
    await Promise.all(Array.from({ length: atOnce }, async () => {
        while (left.length > 0) await left.shift()();
    }));
}

// Exit code 1 is for faults of pages; a fault of the check itself is 2.
process.on('uncaughtException', (error) => stop(error.stack));

const started = Date.now();
const options = readArguments();
const pages = pagesOf(options);
const windows = WINDOWS.filter(({ window, colorScheme }) => !options.quick || (window === 'desktop' && colorScheme === 'light'));
const findings = new Findings();
const browser = await launch();
// A page that hangs or breaks a check is a fault of that page; the others are still looked at.
const guarded = (page, mode, check) => () => check().catch((error) => findings.note('fault', page.name, mode, `cannot be checked: ${error.message}`));
await runAll(pages.flatMap((page) => [
    ...windows.map((mode) => guarded(page, mode.name, () => checkMode(browser, page, mode, findings))),
    guarded(page, 'print', () => checkPaper(browser, page, options, findings)),
]), 4);
// Times are taken with nothing else at work.
await runAll(pages.filter((page) => page.kind === 'cohort').map((page) => guarded(page, 'keyboard', () => checkKeyboard(browser, page, options, findings))), 1);
await browser.close();

for (const line of findings.lines(pages.map((page) => page.name), windows.map((mode) => mode.name))) console.log(line);
const faults = findings.count('fault');
console.log(`check: ${pages.length} pages in ${windows.length} windows, ${faults} faults, ${findings.count('warning')} warnings, ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exitCode = faults > 0 ? 1 : 0;
