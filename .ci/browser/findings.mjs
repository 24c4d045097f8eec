// What the checks found: one line per fault, with all the modes in which it shows.

export class Findings {
    #found = new Map();

    /** Notes a finding of a page; `mode` says in which window, or is empty for what no window changes. */
    note(level, page, mode, text) {
        const key = `${level}\n${page}\n${text}`;
        if (!this.#found.has(key)) this.#found.set(key, { level, page, text, modes: [] });
        const modes = this.#found.get(key).modes;
        if (!modes.includes(mode)) modes.push(mode);
    }

    /** A reporter for one page in one mode. */
    of(page, mode) {
        return {
            fault: (text) => this.note('fault', page, mode, text),
            warning: (text) => this.note('warning', page, mode, text),
            fact: (text) => this.note('note', page, mode, text),
        };
    }

    count(level) {
        return [...this.#found.values()].filter((finding) => finding.level === level).length;
    }

    /** Lines, page by page, faults first, whatever order they were found in; `windows` are the modes that are written as one. */
    lines(pages, windows) {
        const rank = ({ page, level, text }) => [pages.indexOf(page), ['fault', 'warning', 'note'].indexOf(level), text];
        const before = (a, b) => (a < b ? -1 : Number(a > b));
        const found = [...this.#found.values()].sort((a, b) => rank(a).map((part, index) => before(part, rank(b)[index])).find(Boolean) ?? 0);
        return found.map(({ level, page, text, modes }) => {
            const others = modes.filter((mode) => !windows.includes(mode));
            const inWindows = windows.every((mode) => modes.includes(mode)) ? ['every window'] : windows.filter((mode) => modes.includes(mode));
            return `${level}: ${page} [${[...inWindows, ...others].join('; ')}]: ${text.replace(/\s+/g, ' ').slice(0, 600)}`;
        });
    }
}
