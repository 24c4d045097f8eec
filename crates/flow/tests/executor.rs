//! Order, back-pressure, errors, panics and cancellation of the executor.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use varisk_flow::{CancelToken, Executor, FlowError, Outcome};

/// A source of the numbers below `count`.
fn numbers(count: u64) -> impl FnMut() -> Result<Option<u64>, String> + Send {
    let mut next = 0;
    move || {
        next += 1;
        Ok((next <= count).then(|| next - 1))
    }
}

/// Later batches finish first.
fn uneven(number: u64) {
    std::thread::sleep(Duration::from_micros((7 - number % 7) * 200));
}

#[test]
fn results_arrive_in_order_whatever_finishes_first() {
    for threads in [1, 2, 3, 8] {
        let executor = Executor::new(threads, CancelToken::default());
        let mut seen = Vec::new();
        let mut folds = vec![0u64; threads];
        let outcome = executor.run(
            &mut numbers(100),
            &mut folds,
            10,
            u64::MAX,
            |fold, number, batch| {
                uneven(number);
                *fold += batch;
                Ok::<_, String>((number, batch))
            },
            |value| {
                seen.push(value);
                Ok(())
            },
        );
        assert_eq!(outcome.unwrap(), Outcome::Finished);
        assert_eq!(seen, (0..100).map(|i| (i + 10, i)).collect::<Vec<_>>());
        assert_eq!(
            folds.iter().sum::<u64>(),
            4950,
            "every batch is folded exactly once"
        );
    }
}

#[test]
fn a_slow_sink_holds_back_the_source() {
    for threads in [1, 2, 4] {
        let executor = Executor::new(threads, CancelToken::default());
        let (in_flight, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut count = 0;
        let mut source = || {
            count += 1;
            if count > 60 {
                return Ok(None);
            }
            peak.fetch_max(
                in_flight.fetch_add(1, Ordering::SeqCst) + 1,
                Ordering::SeqCst,
            );
            Ok::<_, String>(Some(()))
        };
        let sink = |()| {
            std::thread::sleep(Duration::from_micros(300));
            in_flight.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        executor
            .run(
                &mut source,
                &mut vec![(); threads],
                0,
                u64::MAX,
                |(), _, ()| Ok(()),
                sink,
            )
            .unwrap();
        let peak = peak.load(Ordering::SeqCst);
        assert!(
            peak <= threads + 1,
            "{peak} batches in flight with {threads} threads"
        );
        assert!(
            peak > 1 || threads == 1,
            "the source runs ahead of the sink"
        );
    }
}

/// Runs a hundred batches of which one fails somewhere; gives the error and what the sink saw.
fn failing(at: &str) -> (String, Vec<u64>) {
    let executor = Executor::new(4, CancelToken::default());
    let mut seen = Vec::new();
    let mut inner = numbers(100);
    let mut taken = 0;
    let mut source = || {
        taken += 1;
        match at {
            "source" if taken == 51 => Err("source refuses".to_owned()),
            "source panic" if taken == 51 => panic!("source breaks"),
            _ => inner(),
        }
    };
    let work = |(): &mut (), number: u64, batch: u64| {
        uneven(number);
        match (at, number) {
            ("worker", 50 | 52) => Err(format!("worker refuses {number}")),
            ("panic", 50) => panic!("worker breaks"),
            _ => Ok(batch),
        }
    };
    let sink = |value| {
        if at == "sink" && value == 50 {
            return Err("sink refuses".to_owned());
        }
        seen.push(value);
        Ok(())
    };
    let error = executor
        .run(&mut source, &mut [(); 4], 0, u64::MAX, work, sink)
        .unwrap_err();
    if at.contains("panic") {
        assert!(
            matches!(error, FlowError::Panicked { batch: 50, .. }),
            "{error:?}"
        );
    }
    (error.to_string(), seen)
}

#[test]
fn the_first_error_in_order_wins_and_nothing_after_it_is_seen() {
    let before: Vec<u64> = (0..50).collect();
    for (at, message) in [
        ("source", "source refuses"),
        ("worker", "worker refuses 50"),
        ("sink", "sink refuses"),
        (
            "panic",
            "internal error at batch 50: worker breaks; please report this",
        ),
        (
            "source panic",
            "internal error at batch 50: source breaks; please report this",
        ),
    ] {
        assert_eq!(failing(at), (message.to_owned(), before.clone()), "{at}");
    }
}

#[test]
fn a_cancelled_run_finishes_what_it_took() {
    let cancel = CancelToken::default();
    let executor = Executor::new(3, cancel.clone());
    let (taken, mut seen) = (AtomicUsize::new(0), 0);
    let mut source = || {
        taken.fetch_add(1, Ordering::SeqCst);
        Ok::<_, String>(Some(()))
    };
    let sink = |()| {
        seen += 1;
        if seen == 20 {
            cancel.cancel();
        }
        Ok(())
    };
    let outcome = executor
        .run(
            &mut source,
            &mut [(); 3],
            0,
            u64::MAX,
            |(), _, ()| Ok(()),
            sink,
        )
        .unwrap();
    assert_eq!(outcome, Outcome::Paused);
    assert_eq!(
        seen,
        taken.load(Ordering::SeqCst),
        "every batch taken reaches the sink"
    );
}

#[test]
fn a_limit_pauses_and_the_next_run_goes_on() {
    let executor = Executor::new(2, CancelToken::default());
    let mut source = numbers(10);
    let mut seen = Vec::new();
    let mut first = 0;
    loop {
        let outcome = executor
            .run(
                &mut source,
                &mut [(); 2],
                first,
                3,
                |(), number, _| Ok::<_, String>(number),
                |n| {
                    seen.push(n);
                    Ok(())
                },
            )
            .unwrap();
        first = seen.len() as u64;
        if outcome == Outcome::Finished {
            break;
        }
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}
