use super::*;
use crate::testing::{Random, Row, World, batch, loose};

fn samples(count: usize) -> Vec<PanelSample> {
    (0..count)
        .map(|i| PanelSample {
            population: if i % 2 == 0 { "A" } else { "B" }.to_owned(),
            is_training: true,
        })
        .collect()
}

fn random_row(random: &mut Random, contig: u32, position: u32, alleles: (&str, &str)) -> Row {
    let p = 0.2 + 0.6 * random.uniform();
    let mut copies = || u8::from(random.uniform() < p);
    Row {
        contig,
        position,
        reference: alleles.0.to_owned(),
        alternate: alleles.1.to_owned(),
        genotypes: (0..60).map(|_| copies() + copies()).collect(),
    }
}

fn observe(settings: PanelSettings, rows: &[Row], size: usize) -> PanelBuilder {
    let mut builder = PanelBuilder::new(settings, samples(60)).unwrap();
    let people: Vec<usize> = (0..60).collect();
    for (number, rows) in rows.chunks(size).enumerate() {
        builder
            .observe(&batch(number as u64, rows, &people))
            .unwrap();
    }
    builder.flush(None);
    builder
}

fn kept(builder: PanelBuilder) -> Vec<(String, u32)> {
    let (sites, _) = builder.kept.finish();
    sites
        .into_iter()
        .map(|c| (c.site.contig, c.site.position.0))
        .collect()
}

#[test]
fn each_filter_drops_what_it_names() {
    let mut random = Random::new(1);
    let mut row = |contig, position, r, a| random_row(&mut random, contig, position, (r, a));
    let mut rows = vec![
        row(0, 100, "A", "G"),
        row(0, 200, "A", "T"),
        row(0, 300, "C", "G"),
        row(0, 400, "A", "AG"),
        row(0, 500, "A", "C"),
        row(0, 500, "A", "G"),
        // An insertion after the same base is a second allele too.
        row(0, 600, "T", "C"),
        row(0, 600, "T", "TA"),
        row(0, 700, "G", "A"),
        row(0, 800, "G", "A"),
        row(0, 900, "G", "A"),
        row(1, 100, "G", "T"),
        row(crate::testing::X, 100, "G", "A"),
    ];
    rows[8].genotypes = (0..60).map(|i| u8::from(i == 0)).collect();
    rows[9].genotypes[..7].fill(3);
    let settings = PanelSettings {
        excluded: vec![Region {
            contig: "1".to_owned(),
            start: 900,
            end: 900,
        }],
        ..loose(2)
    };
    for size in [1, 3, 100] {
        let builder = observe(settings.clone(), &rows, size);
        let expected = SiteCounts {
            set_aside: 0,
            not_autosomal: 1,
            not_substitution: 1,
            ambiguous_strand: 2,
            excluded_region: 1,
            often_missing: 1,
            rare: 1,
            several_alleles: 2,
            correlated: 0,
            thinned: 0,
            kept: 2,
        };
        assert_eq!(*builder.counts(), expected, "{size}");
        let places = [("1".to_owned(), 100), ("2".to_owned(), 100)];
        assert_eq!(kept(builder), places);
    }
}

#[test]
fn correlated_sites_go_within_the_window_only() {
    let mut random = Random::new(2);
    let first = random_row(&mut random, 0, 1_000, ("A", "G"));
    let mut same = first.clone();
    same.position = 2_000;
    let mut far = first.clone();
    far.position = 2_000_000;
    let mut other_contig = first.clone();
    (other_contig.contig, other_contig.position) = (1, 2_500);
    let settings = PanelSettings {
        maximum_r2: 0.5,
        ..loose(2)
    };
    let builder = observe(settings, &[first, same, far, other_contig], 2);
    assert_eq!(builder.counts().correlated, 1);
    let places: Vec<u32> = kept(builder).into_iter().map(|(_, at)| at).collect();
    assert_eq!(places, [1_000, 2_000_000, 2_500]);
}

/// What pruning promises: no two kept sites within the window are correlated beyond the limit.
#[test]
fn no_correlated_pair_is_left() {
    let mut random = Random::new(3);
    let mut rows: Vec<Row> = Vec::new();
    for site in 0..300u32 {
        let mut row = random_row(&mut random, 0, 1_000 + 700 * site, ("A", "G"));
        if let Some(before) = rows.last() {
            for (own, neighbour) in row.genotypes.iter_mut().zip(&before.genotypes) {
                if random.uniform() < 0.7 {
                    *own = *neighbour;
                }
                if random.uniform() < 0.02 {
                    *own = 3;
                }
            }
        }
        rows.push(row);
    }
    let settings = PanelSettings {
        maximum_r2: 0.1,
        window: 20_000,
        ..loose(2)
    };
    let (sites, _) = observe(settings, &rows, 50).kept.finish();
    assert!((20..290).contains(&sites.len()), "{}", sites.len());
    for (i, left) in sites.iter().enumerate() {
        for right in &sites[..i] {
            let apart = left.site.position.0 - right.site.position.0;
            assert!(apart > 20_000 || left.training.r2(&right.training) <= 0.1);
        }
    }
}

#[test]
fn thinning_is_even_and_does_not_depend_on_order() {
    let world = World::new(&[30, 30], 4_000, 0.05, 4);
    let settings = PanelSettings {
        max_sites: 500,
        ..loose(2)
    };
    let builder = observe(settings, &world.rows, 100);
    let places = kept(builder);
    assert_eq!(places.len(), 500);
    let first = places.iter().filter(|(contig, _)| contig == "1").count();
    assert!((200..300).contains(&first), "{first}");
    let low = places.iter().filter(|(_, at)| *at < 5_000_000).count();
    assert!((200..300).contains(&low), "{low}");
}

#[test]
fn input_out_of_order_is_refused() {
    let mut random = Random::new(5);
    let mut row = |contig, position| random_row(&mut random, contig, position, ("A", "G"));
    let people: Vec<usize> = (0..60).collect();
    for rows in [
        vec![row(0, 200), row(0, 100)],
        vec![row(0, 100), row(1, 100), row(0, 200)],
    ] {
        let mut builder = PanelBuilder::new(loose(2), samples(60)).unwrap();
        let error = builder.observe(&batch(0, &rows, &people)).unwrap_err();
        assert!(matches!(error, PanelError::NotSorted { .. }), "{error}");
    }
    let mut builder = PanelBuilder::new(loose(2), samples(60)).unwrap();
    let error = builder
        .observe(&batch(0, &[row(0, 1)], &people[..9]))
        .unwrap_err();
    assert!(error.to_string().contains("60 samples but genotypes of 9"));
}

#[test]
fn settings_and_samples_that_make_no_panel_are_refused() {
    let check = |settings: PanelSettings, count: usize, part: &str| {
        let error = PanelBuilder::new(settings, samples(count)).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    check(loose(1), 60, "'components' is 1");
    check(loose(21), 60, "'components' is 21");
    check(loose(10), 20, "20 training samples");
    check(loose(2), 6, "population 'A' has 3 training samples");
    let wrong = |change: &dyn Fn(&mut PanelSettings)| {
        let mut settings = loose(2);
        change(&mut settings);
        settings
    };
    check(
        wrong(&|s| s.minimum_frequency = 0.0),
        60,
        "'minimum_frequency'",
    );
    check(
        wrong(&|s| s.maximum_missing = f64::NAN),
        60,
        "'maximum_missing'",
    );
    check(wrong(&|s| s.maximum_r2 = 0.0), 60, "'maximum_r2'");
    check(wrong(&|s| s.max_sites = 0), 60, "'max_sites'");

    let mut random = Random::new(6);
    let rows = [random_row(&mut random, 0, 100, ("A", "G"))];
    let error = observe(loose(2), &rows, 1).finish(1).unwrap_err();
    assert!(
        error.to_string().contains("1 sites of the panel passed"),
        "{error}"
    );
}

/// The same people twice have no more directions than people.
#[test]
fn copies_of_one_person_make_no_panel() {
    let mut world = World::new(&[30, 30], 400, 0.05, 8);
    for row in &mut world.rows {
        let (a, b) = (row.genotypes[0], row.genotypes[59]);
        for (i, genotype) in row.genotypes.iter_mut().enumerate() {
            *genotype = if i < 30 { a } else { b };
        }
    }
    let error = observe(loose(2), &world.rows, 50).finish(1).unwrap_err();
    assert!(
        matches!(
            error,
            PanelError::TooFewSamples { .. } | PanelError::FlatPopulation { .. }
        ),
        "{error}"
    );
}

#[test]
fn relatives_are_placed_but_fit_nothing() {
    let world = World::new(&[50, 50], 2_000, 0.05, 10);
    let people = world.people();
    let sample = |(i, population): (usize, &usize)| PanelSample {
        population: format!("P{population}"),
        is_training: i % 5 > 0,
    };
    let samples = world.populations.iter().enumerate().map(sample).collect();
    let mut builder = PanelBuilder::new(loose(2), samples).unwrap();
    builder.observe(&batch(0, &world.rows, &people)).unwrap();
    let panel = builder.finish(1).unwrap();
    let trained: Vec<usize> = people.iter().copied().filter(|i| i % 5 > 0).collect();
    let alone = world.panel(&trained, loose(2));
    assert_eq!(panel.loadings, alone.loadings);
    let side = |i: usize| panel.samples()[i].components[0].signum();
    for (i, population) in world.populations.iter().enumerate() {
        assert_eq!(side(i) == side(1), *population == 0, "{i}");
    }
}

/// Threads share tiles, and tiles do not depend on who computes them.
#[test]
fn threads_do_not_change_a_bit() {
    let world = World::new(&[200, 150], 700, 0.05, 12);
    let people = world.people();
    let of = |threads| {
        let samples = samples(350);
        let mut builder = PanelBuilder::new(loose(2), samples).unwrap();
        builder.observe(&batch(0, &world.rows, &people)).unwrap();
        builder.finish(threads).unwrap().loadings
    };
    assert_eq!(of(1), of(3));
}
