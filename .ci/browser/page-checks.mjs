// What every page must keep in every window: nothing from outside, nothing missing, readable by all,
// complete without scripts and on paper.

import { existsSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessibilityRules, within } from './browser.mjs';
import { cutOff, inspect } from './inspect.mjs';

// WCAG 2.2 at levels A and AA, and what axe holds to be good practice besides.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
// A page of a whole cohort or patient that says less than this has lost its content.
const LEAST_TEXT = 200;
// A4 within Chromium's own margins, in CSS pixels.
const PAPER_WIDTH = 718;

/** Follows what a page asks for and complains of; to be called before it is opened. */
export function watch(page, folder, report) {
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) report.fault(`console ${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => report.fault(`page error: ${error.message}`));
    page.on('dialog', (dialog) => {
        report.fault(`opens a dialogue: ${dialog.message()}`);
        dialog.dismiss().catch(() => {});
    });
    page.on('websocket', (socket) => report.fault(`external request: ${socket.url()}`));
    page.on('request', (request) => {
        const url = request.url();
        if (/^(data|blob|about):/.test(url)) return;
        if (!url.startsWith('file:')) report.fault(`external request: ${url}`);
        else if (!inside(folder, url)) report.fault(`request outside the report's folder: ${url}`);
    });
}

/** The path of a file address relative to the folder, or null where it lies outside. */
function inside(folder, url) {
    // "//name/..." on a page from disk is a file of another machine.
    if (new URL(url).hostname !== '') return null;
    const path = relative(folder, fileURLToPath(url));
    return path === '..' || path.startsWith(`..${sep}`) ? null : path;
}

/** Facts that stand in the page itself. `kind` is 'cohort' or 'patient' where the content is known. */
export async function checkContent(page, { folder, kind, scripts, window }, report) {
    const facts = await within(60_000, 'reading the page', page.evaluate(inspect));
    if (!facts.language) report.fault('<html> has no lang');
    if (!facts.title) report.fault('no <title>');
    for (const id of facts.duplicates) report.fault(`id '${id}' is given more than once`);
    for (const text of facts.wrongTexts) report.fault(`shows ${text}`);
    for (const address of facts.outside) report.fault(`refers to something outside: ${address}`);
    checkLinks(facts.links, page.url(), folder, report);

    if (!facts.hasMain) report.fault('no <main>');
    else if (facts.mainText < LEAST_TEXT) {
        report.fault(`<main> shows ${facts.mainText} characters${scripts ? '' : ' without scripts'}, at least ${LEAST_TEXT} are expected`);
    }
    if (kind && facts.rows === 0) report.fault(`<main> has no table with rows${scripts ? '' : ' without scripts'}`);

    const device = page.viewportSize().width;
    if (window === 'phone' && !/width=device-width/.test(facts.viewport)) report.fault('no <meta name="viewport" content="width=device-width">');
    if (facts.total > device + 1) {
        report.fault(`is ${facts.total} pixels wide in a window of ${device}${facts.widest.length ? `: ${facts.widest.join(', ')}` : ''}`);
    }
    return facts;
}

const targets = new Map();
/** Whether a file of the report has an element of this id. */
function hasTarget(file, id) {
    if (!targets.has(file)) targets.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/\s(?:id|name)=["']?([^"'\s>]+)/g)].map((match) => match[1])));
    return targets.get(file).has(id);
}

/** Links lead to a file of the report that is there, or to the web; never to another place of a disk. */
export function checkLinks(links, pageUrl, folder, report) {
    for (const { written, url } of links) {
        let target;
        try {
            target = new URL(url);
        } catch {
            report.fault(`link '${written}' is no address`);
            continue;
        }
        if (target.protocol === 'javascript:') report.fault(`link '${written}' is a script`);
        if (target.protocol !== 'file:') continue;
        const path = inside(folder, url);
        if (path === null) {
            report.fault(`link '${written}' leads out of the report's folder`);
            continue;
        }
        const file = fileURLToPath(target);
        if (!existsSync(file)) {
            report.fault(`link '${written}' leads to a file that is missing`);
            continue;
        }
        const id = decodeURIComponent(target.hash.slice(1));
        if (id && id !== 'top' && /\.html?$/.test(file) && !hasTarget(file, id)) {
            report.fault(`link '${written}' leads to a place that is missing in ${path || pageUrl}`);
        }
    }
}

/** The accessibility rules; needs a page that runs scripts (see `withoutScripts`). */
export async function checkAccessibility(page, report) {
    await within(60_000, 'reading the accessibility rules', page.evaluate(accessibilityRules));
    const results = await within(120_000, 'the accessibility check', page.evaluate((rules) => window.axe.run(document, {
        runOnly: { type: 'tag', values: rules },
        resultTypes: ['violations', 'incomplete'],
    }).then(({ violations, incomplete }) => {
        const brief = ({ id, impact, help, nodes }) => ({ id, impact, help, count: nodes.length, where: nodes.slice(0, 3).map((node) => node.target.flat().join(' ')) });
        return { violations: violations.map(brief), undecided: incomplete.map(brief) };
    }), RULES));
    for (const { id, impact, help, count, where } of results.violations) {
        const text = `axe ${id} (${impact}), ${count} times: ${help}: ${where.join(', ')}`;
        if (['serious', 'critical'].includes(impact)) report.fault(text);
        else report.warning(text);
    }
    for (const { id, help, count, where } of results.undecided) report.warning(`axe cannot decide ${id}, ${count} times: ${help}: ${where.join(', ')}`);
}

/**
 * Makes a window show pages as without scripts, though scripts of ours can run: the accessibility
 * rules are a script. Scripts are taken out and what stands in <noscript> is put in its place.
 */
export async function withoutScripts(context) {
    await context.route('**/*.html', (route) => {
        const source = readFileSync(fileURLToPath(route.request().url().replace(/[?#].*/, '')), 'utf8');
        const body = source.replace(/<script\b[\s\S]*?<\/script\s*>/gi, '').replace(/<\/?noscript\b[^>]*>/gi, '');
        return route.fulfill({ contentType: 'text/html; charset=utf-8', body });
    });
}

/** The page on paper: nothing cut off, content still there, not a roll of paper. */
export async function checkPrint(page, { mostPages }, report) {
    await page.setViewportSize({ width: PAPER_WIDTH, height: 1000 });
    await page.emulateMedia({ media: 'print' });
    const { mainText } = await within(60_000, 'reading the page', page.evaluate(inspect));
    if (mainText < LEAST_TEXT) report.fault(`<main> shows ${mainText} characters, at least ${LEAST_TEXT} are expected`);
    const { across, down } = await within(60_000, 'reading the page', page.evaluate(cutOff));
    for (const box of new Set(across)) report.fault(`paper cuts off the right of ${box}`);
    for (const box of new Set(down)) report.warning(`paper cuts off the end of ${box}`);
    const document = await within(120_000, 'printing', page.pdf({ format: 'A4', preferCSSPageSize: true }));
    // Chromium writes every page of a PDF as an object of its own, uncompressed.
    const pages = document.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    if (pages < 1 || pages > mostPages) report.fault(`prints on ${pages} pages, 1 to ${mostPages} are expected`);
    else report.fact(`prints on ${pages} ${pages === 1 ? 'page' : 'pages'}`);
}
