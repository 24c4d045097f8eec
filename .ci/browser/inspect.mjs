// What is read from a page at one go. The function runs inside the page, with or without scripts of
// the page's own, so it is synchronous and uses nothing from outside.

/** Facts of a page that `page-checks.mjs` judges. */
export function inspect() {
    const WRONG_TEXT = /(?<![\w-])(undefined|NaN|-?inf)(?![\w-])|\[object \w+\]|\b(Some|Ok)\(/;
    const NOT_TEXT = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT']);
    const main = document.querySelector('main');

    const name = (element) => {
        const id = element.id ? `#${element.id}` : '';
        const text = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
        return `<${element.localName}${id}>${text ? ` '${text}'` : ''}`;
    };

    // Hidden text counts, too: it is shown once a part is unfolded or a tip appears.
    const wrongTexts = [];
    const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { parentElement, data } = texts.currentNode;
        if (!NOT_TEXT.has(parentElement.tagName) && WRONG_TEXT.test(data)) {
            wrongTexts.push(`'${data.match(WRONG_TEXT)[0]}' in ${name(parentElement)}`);
        }
    }
    for (const element of document.querySelectorAll('*')) {
        for (const { name: attribute, value } of element.attributes) {
            // Attributes are checked for what scripts and templates leave behind; "inf" may be a class.
            if (value.length < 10_000 && /(?<![\w-])(undefined|NaN)(?![\w-])|\[object \w+\]/.test(value)) {
                wrongTexts.push(`'${value.slice(0, 60)}' as ${attribute} of <${element.localName}>`);
            }
        }
    }

    const ids = new Map();
    for (const element of document.querySelectorAll('[id]')) ids.set(element.id, (ids.get(element.id) ?? 0) + 1);

    const links = [];
    for (const link of document.querySelectorAll('a[href], area[href]')) {
        const { href } = link;
        const url = typeof href === 'string' ? href : new URL(href.baseVal, document.baseURI).href;
        links.push({ written: link.getAttribute('href') ?? url, url });
    }
    // A lazy image or an unused style makes no request while we look; it is outside all the same.
    const outside = [];
    const fetched = 'src href xlink:href srcset poster data action formaction background'.split(' ');
    for (const element of document.querySelectorAll('*')) {
        if (element.matches('a, area')) continue;
        for (const attribute of fetched) {
            const value = element.getAttribute(attribute);
            if (value && /(^|[\s,])(https?:|wss?:|ftp:)?\/\//i.test(value) && !/^(data|blob):/i.test(value)) {
                outside.push(`<${element.localName} ${attribute}="${value.slice(0, 80)}">`);
            }
        }
        const style = element.localName === 'style' ? element.textContent : element.getAttribute('style') ?? '';
        for (const [url] of style.matchAll(/(url\(\s*["']?|@import\s+["'])(https?:)?\/\/[^"')]*/gi)) outside.push(`style ${url}`);
    }

    const rows = [...(main?.querySelectorAll('table tbody tr') ?? [])]
        .filter((row) => row.checkVisibility() && [...row.cells].some((cell) => cell.textContent.trim()));

    const width = document.documentElement.clientWidth;
    const total = Math.max(document.documentElement.scrollWidth, document.body?.scrollWidth ?? 0);
    const scrolls = (element) => {
        for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
            if (getComputedStyle(box).overflowX !== 'visible') return true;
        }
        return false;
    };
    // Only looked for where something sticks out: it costs a layout per element.
    const widest = total > width + 1 || window.innerWidth > window.screen.width
        ? [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > Math.min(width, window.screen.width) + 1 && !scrolls(element)).slice(0, 3).map(name)
        : [];

    return {
        language: document.documentElement.lang.trim(),
        title: document.title.trim(),
        viewport: document.querySelector('meta[name=viewport]')?.content ?? '',
        hasMain: main !== null,
        // The text of a box that is not shown would be read as if it were.
        mainText: main?.checkVisibility() ? main.innerText.trim().length : 0,
        rows: rows.length,
        duplicates: [...ids].filter(([, count]) => count > 1).map(([id]) => id),
        wrongTexts: [...new Set(wrongTexts)],
        links,
        outside: [...new Set(outside)],
        width, total, widest,
    };
}

/** What paper cuts off: boxes that scroll on a screen but cannot on paper. Runs inside the page. */
export function cutOff() {
    const cut = { across: [], down: [] };
    for (const element of document.querySelectorAll('main, main *')) {
        const { overflowX, overflowY, display } = getComputedStyle(element);
        // A box of a pixel is text for screen readers only.
        if (display === 'inline' || element.clientWidth <= 20 || element.clientHeight <= 4) continue;
        const name = `<${element.localName}${element.id ? `#${element.id}` : ''}>`;
        if (overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1) cut.across.push(name);
        if (overflowY !== 'visible' && element.scrollHeight > element.clientHeight + 1) cut.down.push(name);
    }
    return cut;
}
