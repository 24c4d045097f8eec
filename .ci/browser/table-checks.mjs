// The table of the cohort page, used by keyboard alone: headers are reached with Tab and sort with
// Enter, a filter narrows the rows, a table that holds only a part of its rows gets to the last one.
//
// Found by what the page means, not by test marks: a <table> in <main> with buttons in its
// <th scope="col">, `aria-sort` on the header that sorts, `aria-rowcount` and `aria-rowindex` where
// the document holds only a part of the rows. The value of a cell is that of a <data value> in it,
// else its text.

import { settle, within } from './browser.mjs';
import { orders, sorted } from './order.mjs';

const SORT_BUTTONS = 'main table th[scope=col] > button';
const MOST_TABS = 200;
// Rows for which a table must sort within the budget; longer tables get more time in proportion.
const BUDGET_ROWS = 100_000;

/** What stands in the tables now: headers with their state, rows in order. Runs inside the page. */
function readTables() {
    return [...document.querySelectorAll('main table')].filter((table) => table.querySelector('th[scope=col] > button')).map((table) => {
        const rows = [...table.tBodies].flatMap((body) => [...body.rows])
            .filter((row) => row.checkVisibility() && row.ariaHidden !== 'true' && !['presentation', 'none'].includes(row.role) && row.textContent.trim());
        const index = (row) => Number(row.getAttribute('aria-rowindex'));
        const indexed = rows.every((row) => index(row) > 0);
        if (indexed) rows.sort((a, b) => index(a) - index(b));
        const headers = [...table.querySelectorAll('th[scope=col]')].filter((header) => header.querySelector(':scope > button'));
        const count = Number(table.getAttribute('aria-rowcount'));
        const value = (cell) => cell?.querySelector('data[value]')?.value ?? cell?.querySelector('time[datetime]')?.dateTime ?? cell?.innerText.trim() ?? '';
        return {
            total: count > 0 ? count - (table.tHead?.rows.length ?? 0) : rows.length,
            count,
            indexed,
            lastIndex: indexed && rows.length ? index(rows.at(-1)) : null,
            rows: rows.map((row) => row.innerText.trim().replace(/\s+/g, ' ')),
            firstCell: rows[0]?.cells[0]?.innerText.trim() ?? '',
            headers: headers.map((header) => ({
                name: header.innerText.trim().replace(/\s+/g, ' '),
                sort: header.getAttribute('aria-sort') ?? 'none',
                keys: rows.map((row) => value(row.cells[header.cellIndex])),
            })),
        };
    });
}

const read = async (page) => within(60_000, 'reading the table', page.evaluate(readTables));

/** Takes the time from a click or a typed letter to the last change of the page that it makes. */
async function stopwatch(page) {
    const watch = await page.evaluateHandle(() => {
        const state = { start: null, drawn: null, longest: 0 };
        // The event's own time, so that work of the page before ours counts, too.
        const begin = (event) => { state.start = event.timeStamp; };
        for (const kind of ['click', 'input']) document.addEventListener(kind, begin, { capture: true });
        const changes = new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => { state.drawn = performance.now(); })));
        changes.observe(document.querySelector('main'), { subtree: true, childList: true, attributes: true, characterData: true });
        const tasks = new PerformanceObserver((list) => {
            for (const task of list.getEntries()) state.longest = Math.max(state.longest, task.duration);
        });
        tasks.observe({ type: 'longtask' });
        state.end = () => {
            for (const kind of ['click', 'input']) document.removeEventListener(kind, begin, { capture: true });
            for (const task of tasks.takeRecords()) state.longest = Math.max(state.longest, task.duration);
            tasks.disconnect();
            changes.disconnect();
            return { took: state.start === null || state.drawn === null ? null : Math.max(0, state.drawn - state.start), longest: state.longest };
        };
        return state;
    });
    return async () => {
        const result = await watch.evaluate((state) => state.end());
        await watch.dispose();
        return result;
    };
}

/** Works with the page until `done` says so, and at most some seconds; the time is the page's own. */
async function timed(page, act, done) {
    const stop = await stopwatch(page);
    await act();
    const limit = Date.now() + 5000;
    let tables;
    do {
        await settle(page);
        tables = await read(page);
    } while (!done(tables) && Date.now() < limit);
    return { tables, ...(await stop()) };
}

/** Everything about the sortable tables of a page; the page is freshly opened. */
export async function checkTables(page, { budget }, report) {
    const tables = await read(page);
    if (tables.length === 0) {
        report.fault('no table with sortable columns: <main> has no <th scope="col"> with a <button> in it');
        return;
    }
    const load = await page.evaluate(() => new Promise((resolve) => {
        const observer = new PerformanceObserver((list) => resolve(Math.max(...list.getEntries().map((task) => task.duration))));
        observer.observe({ type: 'longtask', buffered: true });
        setTimeout(() => resolve(0), 300);
    }));
    const rows = Math.max(...tables.map((table) => table.total));
    const limit = budget * Math.max(1, rows / BUDGET_ROWS);
    report.fact(`opens with a longest task of ${Math.round(load)} ms`);
    if (load >= limit) report.fault(`opening blocks the page for ${Math.round(load)} ms, ${Math.round(limit)} are allowed`);

    await checkTabs(page, report);
    for (const [number, table] of tables.entries()) {
        checkCounts(table, report);
        for (const column of table.headers.keys()) await checkSort(page, { number, column, limit }, report);
        await checkEnd(page, number, report);
    }
    await checkFilter(page, { limit }, report);
}

/** Tab, from the top of the page, must come by every button that sorts, and show where it is. */
async function checkTabs(page, report) {
    const missed = new Map((await page.$$eval(SORT_BUTTONS, (buttons) => buttons.map((button) => button.innerText.trim()))).map((name, index) => [index, name]));
    for (let tabs = 0; tabs < MOST_TABS && missed.size > 0; tabs += 1) {
        await page.keyboard.press('Tab');
        const { index, marked, gone } = await page.evaluate((selector) => {
            const element = document.activeElement;
            if (!element || element === document.body) return { index: -1, gone: true };
            const look = () => { const { outline, boxShadow, border, background, textDecoration } = getComputedStyle(element); return [outline, boxShadow, border, background, textDecoration].join(); };
            const focused = look();
            const index = [...document.querySelectorAll(selector)].indexOf(element);
            if (index < 0) return { index, gone: false };
            element.blur();
            const plain = look();
            element.focus({ focusVisible: true });
            return { index, marked: focused !== plain, gone: false };
        }, SORT_BUTTONS);
        if (gone) break;
        if (index >= 0 && marked === false) report.fault(`nothing shows that the header '${missed.get(index)}' has the focus`);
        missed.delete(index);
    }
    for (const name of missed.values()) report.fault(`Tab does not reach the header '${name}'`);
}

function checkCounts(table, report) {
    if (table.total < table.rows.length) report.fault(`aria-rowcount says ${table.total} rows, but ${table.rows.length} are shown`);
    if (table.total > table.rows.length && !table.indexed) report.fault(`only ${table.rows.length} of ${table.total} rows are in the document, but not every row has an aria-rowindex`);
}

/** Enter on a header sorts by it one way, then the other, and says so in aria-sort. */
async function checkSort(page, { number, column, limit }, report) {
    const name = (await read(page))[number].headers[column].name;
    const seen = [];
    for (let press = 0; press < 2; press += 1) {
        const before = seen.at(-1)?.sort ?? (await read(page))[number].headers[column].sort;
        const result = await sortOnce(page, { number, column }, before);
        const header = result.tables[number].headers[column];
        if (!['ascending', 'descending'].includes(header.sort) || header.sort === before) {
            report.fault(`Enter on '${name}' leaves aria-sort at '${header.sort}'`);
            return;
        }
        const others = result.tables[number].headers.filter((other, index) => index !== column && other.sort !== 'none');
        if (others.length > 0) report.fault(`sorted by '${name}', '${others[0].name}' still has aria-sort '${others[0].sort}'`);
        if (!sorted(header.keys, header.sort)) report.fault(`'${name}' says ${header.sort}, but its rows are not: ${header.keys.slice(0, 8).join(' | ')}`);
        if (!result.focused) report.fault(`Enter on '${name}' loses the focus`);

        // A busy machine is slow at times, a slow page always: what is too long has two more tries.
        let { took, longest } = result;
        let state = header.sort;
        for (let again = 0; again < 2 && took !== null && Math.max(took, longest) >= limit; again += 1) {
            for (let way = 0; way < 2; way += 1) {
                const repeated = await sortOnce(page, { number, column }, state);
                state = repeated.tables[number].headers[column].sort;
                if (repeated.took !== null) took = Math.min(took, repeated.took);
                longest = Math.min(longest, repeated.longest);
            }
        }
        if (took === null) report.fault(`Enter on '${name}' makes no click, or changes nothing`);
        else if (Math.max(took, longest) >= limit) report.fault(`sorting by '${name}' takes ${Math.round(took)} ms with a longest task of ${Math.round(longest)} ms, ${Math.round(limit)} are allowed`);
        seen.push({ sort: header.sort, keys: header.keys, rows: result.tables[number].rows, total: result.tables[number].total, took, longest });
    }
    const [first, second] = seen;
    const { distinct } = orders([...first.keys, ...second.keys]);
    if (distinct > 1 && first.rows.join('\n') === second.rows.join('\n')) report.fault(`'${name}' ${first.sort} and ${second.sort} show the same rows`);
    report.fact(`sorts ${first.total} rows by '${name}' in ${seen.map(({ took }) => Math.round(took ?? 0)).join(' and ')} ms, longest task ${Math.round(Math.max(first.longest, second.longest))} ms`);
}

/** The button of a column as it is now: a page may make its header anew. */
function sortButton(page, { number, column }) {
    return page.evaluateHandle(([tableIndex, columnIndex]) => {
        const tables = [...document.querySelectorAll('main table')].filter((table) => table.querySelector('th[scope=col] > button'));
        return tables[tableIndex].querySelectorAll('th[scope=col] > button')[columnIndex];
    }, [number, column]);
}

async function sortOnce(page, place, before) {
    const button = await sortButton(page, place);
    await button.evaluate((element) => element.focus());
    const result = await timed(page, () => page.keyboard.press('Enter'), (tables) => {
        const { sort, keys } = tables[place.number].headers[place.column];
        return sort !== before && sorted(keys, sort);
    });
    const now = await sortButton(page, place);
    return { ...result, focused: await now.evaluate((element) => document.activeElement === element) };
}

/** Where the document holds a part of the rows, the key End must bring the last, from a header within the scrolling box. */
async function checkEnd(page, number, report) {
    const table = (await read(page))[number];
    if (table.total <= table.rows.length || !table.indexed) return;
    // A table in pages is gone through by their buttons.
    if (await page.getByRole('button', { name: 'Next', exact: true }).count() > 0) return;
    const button = await sortButton(page, { number, column: 0 });
    await button.evaluate((element) => element.focus());
    await page.keyboard.press('End');
    const limit = Date.now() + 5000;
    let last;
    do {
        await settle(page);
        last = (await read(page))[number];
    } while (last.lastIndex < table.count && Date.now() < limit);
    if (last.lastIndex < table.count) report.fault(`End shows row ${last.lastIndex}, not the last of ${table.count}`);
    await page.keyboard.press('Home');
    await settle(page);
}

/** A text filter, if there is one, leaves the rows that hold the text, and all when it is empty again. */
async function checkFilter(page, { limit }, report) {
    const filters = await page.$$('input[type=search], input[type=text], input:not([type])');
    const visible = [];
    for (const filter of filters) if (await filter.isVisible()) visible.push(filter);
    const before = (await read(page))[0];
    if (visible.length === 0 || before.total < 2 || !before.firstCell) return;
    const filter = visible[0];
    const text = before.firstCell;

    await filter.focus();
    const narrowed = await timed(page, () => page.keyboard.type(text), ([table]) => table.total < before.total);
    const [after] = narrowed.tables;
    if (after.total >= before.total) report.fault(`the filter '${text}' leaves ${after.total} of ${before.total} rows`);
    else {
        if (after.rows.length === 0) report.fault(`the filter '${text}' leaves no row, though the first one holds it`);
        const strays = after.rows.filter((row) => !row.toLowerCase().includes(text.toLowerCase()));
        if (strays.length > 0) report.fault(`the filter '${text}' leaves a row without it: ${strays[0].slice(0, 80)}`);
        if (Math.max(narrowed.took ?? 0, narrowed.longest) >= limit) report.fault(`filtering takes ${Math.round(narrowed.took)} ms after the last letter with a longest task of ${Math.round(narrowed.longest)} ms, ${Math.round(limit)} are allowed`);
        report.fact(`filters ${before.total} rows to ${after.total} in ${Math.round(narrowed.took ?? 0)} ms, longest task ${Math.round(narrowed.longest)} ms`);
    }

    const nothing = 'zqxjzqxj';
    await filter.fill('');
    const none = await timed(page, () => page.keyboard.type(nothing), ([table]) => table.total === 0);
    if (none.tables[0].rows.some((row) => before.rows.includes(row))) report.fault(`the filter '${nothing}' leaves rows that do not hold it`);
    await filter.fill('');
    const all = await timed(page, async () => {}, ([table]) => table.total === before.total);
    if (all.tables[0].total !== before.total) report.fault(`the emptied filter leaves ${all.tables[0].total} of ${before.total} rows`);
    const spoken = await page.evaluate(() => document.querySelector('[role=status], [aria-live], output') !== null);
    if (!spoken) report.warning('nothing tells a screen reader how many rows the filter leaves (role="status")');
}
