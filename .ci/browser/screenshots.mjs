#!/usr/bin/env node
// Pictures of a report for the documentation: the top of the cohort page and of the first patient's page,
// always in the same windows and without motion, so that the same pages give the same pictures.

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, openWindow, settle, stop } from './browser.mjs';

const [report, output] = process.argv.slice(2);
if (!report || !output) stop('usage: screenshots.mjs REPORT_DIR OUT_DIR');
const patients = join(report, 'patients');
if (!existsSync(join(report, 'index.html')) || !existsSync(patients)) stop(`${report} holds no report pages (index.html, patients/)`);
const [first] = readdirSync(patients).map((name) => join(name, 'index.html')).filter((page) => existsSync(join(patients, page))).sort();
if (!first) stop(`${patients} holds no pages of patients`);

// What a reader sees first; whole pages would make pictures of megabytes.
const MOST_HEIGHT = 2000;
const PICTURES = [
    ['cohort-light', 'index.html', 'desktop', 'light'],
    ['cohort-dark', 'index.html', 'desktop', 'dark'],
    ['patient-light', join('patients', first), 'desktop', 'light'],
    ['patient-dark', join('patients', first), 'desktop', 'dark'],
    ['patient-phone', join('patients', first), 'phone', 'light'],
];

mkdirSync(output, { recursive: true });
const browser = await launch();
for (const [name, page, window, colorScheme] of PICTURES) {
    const context = await openWindow(browser, { window, colorScheme });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(resolve(report, page)).href, { waitUntil: 'load' });
    await settle(tab);
    const path = join(output, `${name}.png`);
    const { width, height } = await tab.evaluate(() => ({ width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight }));
    const clip = { x: 0, y: 0, width, height: Math.min(height, MOST_HEIGHT) };
    await tab.screenshot({ path, fullPage: true, clip, animations: 'disabled', caret: 'hide', scale: 'css' });
    console.log(path);
    await context.close();
}
await browser.close();
