//! Rows and columns drawn for a round.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Draws `share` of the items without replacement, at least one, and keeps their order.
///
/// Each (seed, stream) has random numbers of its own. Only the stream of ChaCha is taken from outside:
/// its definition never changes.
pub(crate) fn draw<T: Copy>(items: &[T], share: f64, seed: u64, stream: u64) -> Vec<T> {
    let wanted = (items.len() as f64 * share).ceil() as usize;
    let mut wanted = wanted.clamp(1, items.len().max(1));
    if wanted >= items.len() {
        return items.to_vec();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut drawn = Vec::with_capacity(wanted);
    // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
    for (place, item) in items.iter().enumerate() {
        let left = (items.len() - place) as u128;
        // The high half of the product: its bias is below left / 2^64.
        if (u128::from(random.next_u64()) * left) >> 64 < wanted as u128 {
            drawn.push(*item);
            wanted -= 1;
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_exactly_the_share_evenly_and_in_order() {
        let items: Vec<u32> = (0..10).collect();
        let mut times = [0; 10];
        for stream in 0..5_000 {
            let drawn = draw(&items, 0.3, 7, stream);
            assert_eq!(drawn.len(), 3);
            assert!(drawn.is_sorted());
            drawn.iter().for_each(|item| times[*item as usize] += 1);
        }
        // Four standard deviations of a binomial count.
        assert!(
            times.iter().all(|times| (1_500_i32 - times).abs() < 130),
            "{times:?}"
        );
        assert_eq!(draw(&items, 0.3, 7, 1), draw(&items, 0.3, 7, 1));
        assert_eq!(draw(&items, 1e-9, 7, 1).len(), 1);
        assert_eq!(draw(&items, 1.0, 7, 1), items);
    }
}
