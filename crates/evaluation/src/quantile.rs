//! Quantiles.

/// Linear between order statistics, with the rounding of NumPy's `quantile`. `at(rank)` is the order
/// statistic of a rank from 0; `count` of them are there, at least one.
pub(crate) fn quantile(count: u64, share: f64, at: impl Fn(u64) -> f64) -> f64 {
    let last = count.saturating_sub(1);
    let place = share * last as f64;
    let below = place.floor();
    let part = place - below;
    let rank = (below as u64).min(last);
    let (a, b) = (at(rank), at((rank + 1).min(last)));
    if part >= 0.5 {
        b - (b - a) * (1.0 - part)
    } else {
        a + (b - a) * part
    }
}
