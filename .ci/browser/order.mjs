// Whether values as a table shows them are in order, without knowing what they mean: numbers by
// value, text as people or as machines sort it, words of a scale (low, moderate, high) by groups.

const MISSING = /^([-–—−?]|n\/a|na|none|unknown|missing)?$/i;
const NUMBER = /^[<>≤≥≈~]?[-+−]?(\d[\d\s,]*)?\.?\d+(e[-+−]?\d+)?\s*[%×‰]?$/i;
// A scale of words has few steps, each with several patients.
const MOST_GROUPS = 12;
const people = new Intl.Collator('en', { numeric: true });

const number = (text) => parseFloat(text.replace(/[<>≤≥≈~\s,]/g, '').replace(/−/g, '-'));
const codes = (a, b) => (a < b ? -1 : Number(a > b));

/** How the values are ordered: `up` and `down` may both hold where all are equal. */
export function orders(texts) {
    const keys = texts.map((text) => text.trim());
    const numeric = keys.filter((key) => NUMBER.test(key)).length;
    const given = keys.filter((key) => !MISSING.test(key));
    // In a column of numbers a word ("not estimated") says why there is none.
    const numbers = numeric > 0 && numeric >= given.length / 2;
    const isMissing = numbers ? (key) => !NUMBER.test(key) : (key) => MISSING.test(key);
    const missing = keys.map(isMissing);
    const present = keys.filter((_, index) => !missing[index]);
    // Missing values stand together at one end.
    const turns = missing.slice(1).filter((value, index) => value !== missing[index]).length;

    const comparisons = numbers ? [(a, b) => number(a) - number(b)] : [people.compare, new Intl.Collator('en').compare, codes];
    const along = (sign) => turns <= 1 && comparisons.some((compare) => present.every((key, index) => index === 0 || sign * compare(present[index - 1], key) <= 0));
    const groups = present.filter((key, index) => index === 0 || key !== present[index - 1]).length;
    const distinct = new Set(present).size;
    return { up: along(1), down: along(-1), grouped: !numbers && turns <= 1 && groups === distinct && distinct < present.length && distinct <= MOST_GROUPS, distinct };
}

/** Whether the values can be sorted the way that `aria-sort` says. */
export function sorted(texts, sort) {
    const { up, down, grouped } = orders(texts);
    return grouped || (sort === 'ascending' ? up : sort === 'descending' && down);
}
