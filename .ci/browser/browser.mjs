// Headless Chromium as the checks and the screenshots need it: no network, a fresh profile, and the
// packages that `.ci/setup --browser` put into .varisk/browser.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const packages = new URL('../../.varisk/browser/package.json', import.meta.url);
if (!existsSync(packages)) stop('the packages of .ci/browser are missing; run .ci/setup --browser');
const require = createRequire(packages);
const { chromium } = require('playwright-core');

/** The accessibility rules as a script to run in a page. */
export const accessibilityRules = require('axe-core').source;

/** Widths of windows. A phone's window grows with what does not fit, as on a real one. */
export const WINDOWS = {
    desktop: { viewport: { width: 1280, height: 900 } },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** Ends the program with a message where something other than a page is at fault. */
export function stop(message) {
    console.error(`${process.argv[1].split('/').pop().replace('.mjs', '')}: ${message}`);
    process.exit(2);
}

export async function launch() {
    const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
    if (!existsSync(executablePath)) stop(`no Chromium at ${executablePath}; run .ci/setup --browser, or set CHROMIUM`);
    return chromium.launch({
        executablePath,
        // The sandbox needs rights that root in a container lacks; all pages are our own.
        chromiumSandbox: false,
        // Nothing may be fetched, not even by Chromium itself: every name fails to resolve.
        args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND'],
    });
}

/** A window without motion, so that nothing is judged or drawn half-way. */
export function openWindow(browser, { window, colorScheme, scripts = true }) {
    return browser.newContext({
        ...WINDOWS[window], colorScheme, javaScriptEnabled: scripts,
        reducedMotion: 'reduce', deviceScaleFactor: 1, locale: 'en-GB', timezoneId: 'UTC',
    });
}

/** Waits for a promise, but not forever: a page's script can hang, and evaluate has no limit of its own. */
export function within(milliseconds, what, promise) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} took more than ${milliseconds / 1000} s`)), milliseconds);
    });
    return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Waits until the page has been left as it is for a moment and drawn; at most five seconds. */
export function settle(page) {
    return within(60_000, 'settling', page.evaluate(() => new Promise((resolve) => {
        const started = performance.now();
        let last = started;
        const observer = new MutationObserver(() => { last = performance.now(); });
        observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
        const look = () => {
            const now = performance.now();
            if (now - last < 120 && now - started < 5000) return setTimeout(look, 20);
            observer.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(resolve));
        };
        look();
    })));
}
