//! Work on independent items by several threads.

/// Calls `work` once for each item, with its index. Items are dealt in consecutive shares; each is
/// worked on by one thread, so results do not depend on the number of threads.
pub(crate) fn for_each<T: Send>(
    items: &mut [T],
    threads: usize,
    work: impl Fn(usize, &mut T) + Sync,
) {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let run = |number: usize, part: &mut [T]| {
        for (offset, item) in part.iter_mut().enumerate() {
            work(number * share + offset, item);
        }
    };
    let mut parts = items.chunks_mut(share).enumerate();
    let Some((first, own)) = parts.next() else {
        return;
    };
    // The calling thread takes the first share, so one thread starts none.
    std::thread::scope(|scope| {
        for (number, part) in parts {
            scope.spawn(move || run(number, part));
        }
        run(first, own);
    });
}
