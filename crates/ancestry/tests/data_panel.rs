//! Components against numpy on the same genotypes, and pruning against plink2's promise.
#![cfg(test)]

mod support;
#[path = "../src/testing.rs"]
mod testing;

use std::fmt::Write as _;
use std::sync::Arc;

use support::{number, python, rows};
use testing::{Random, World, batch, contigs, loose};
use varisk_ancestry::{
    Panel, PanelBuilder, PanelSample, PanelSettings, Projection, ProjectionOptions,
};
use varisk_core::Analysis;

const SCRIPT: &str = r#"
import sys
import numpy as np
g = np.loadtxt(sys.argv[1], delimiter=",")
g[g == 3] = np.nan
p = np.nanmean(g, axis=1, keepdims=True) / 2
z = (g - 2 * p) / np.sqrt(2 * p * (1 - p))
z[np.isnan(z)] = 0
u, s, vt = np.linalg.svd(z, full_matrices=False)
print("singular," + ",".join(str(i) for i in range(z.shape[1])))
for k in range(20):
    print(",".join([repr(float(s[k]))] + [repr(float(x)) for x in vt[k] * s[k]]))
"#;

/// Populations with missing calls; many enough people that the iterative decomposition is used.
#[test]
fn components_are_those_of_numpy() {
    for (size, seed) in [(60, 201), (100, 202)] {
        let mut world = World::new(&[size; 5], 3_000, 0.03, seed);
        let mut random = Random::new(seed);
        for row in &mut world.rows {
            let lost = |genotype: &mut u8| {
                if random.uniform() < 0.03 {
                    *genotype = 3;
                }
            };
            row.genotypes.iter_mut().for_each(lost);
        }
        let panel = world.panel(&world.people(), loose(10));
        assert_eq!(panel.sites().len(), world.rows.len());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genotypes.csv");
        let mut text = String::new();
        for row in &world.rows {
            let genotypes: Vec<String> = row.genotypes.iter().map(u8::to_string).collect();
            writeln!(text, "{}", genotypes.join(",")).unwrap();
        }
        std::fs::write(&path, text).unwrap();
        let expected = rows(&python(SCRIPT, &[&path]));
        let mut least = 1.0f64;
        for (k, row) in expected.iter().enumerate() {
            let numbers: Vec<f64> = row.iter().map(|cell| number(cell)).collect();
            let value = panel.singular_values()[k];
            assert!(
                (value / numbers[0] - 1.0).abs() < 1e-9,
                "{k}: {value} {}",
                numbers[0]
            );
            if k < panel.components() {
                let own: Vec<f64> = panel.samples().iter().map(|s| s.components[k]).collect();
                least = least.min(correlation(&own, &numbers[1..]).abs());
            }
        }
        println!(
            "{} people: 1 - |correlation| at most {:.1e}",
            5 * size,
            1.0 - least
        );
        assert!(least > 1.0 - 1e-9, "{least}");
    }
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()
}

/// `plink2 --indep-pairwise` would drop nothing more: no pair within the window exceeds the limit.
#[test]
fn plink2_finds_nothing_left_to_prune() {
    let mut world = World::new(&[60, 60], 1_000, 0.02, 203);
    let mut random = Random::new(204);
    for i in 1..world.rows.len() {
        if world.rows[i].contig != world.rows[i - 1].contig {
            continue;
        }
        let before = world.rows[i - 1].genotypes.clone();
        for (own, before) in world.rows[i].genotypes.iter_mut().zip(before) {
            if random.uniform() < 0.6 {
                *own = before;
            }
        }
    }
    let settings = PanelSettings {
        maximum_r2: 0.2,
        window: 100_000,
        ..loose(2)
    };
    let panel = world.panel(&world.people(), settings);
    let folder = tempfile::tempdir().unwrap();
    // Of the whole world and of the kept sites plink2 is asked what to prune.
    let prune = |name: &str, keep: &dyn Fn(u32, u32) -> bool| -> usize {
        let samples: Vec<String> = (0..120).map(|i| format!("s{i}")).collect();
        let mut vcf = String::from("##fileformat=VCFv4.3\n##contig=<ID=1>\n##contig=<ID=2>\n");
        vcf += "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n";
        writeln!(
            vcf,
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}",
            samples.join("\t")
        )
        .unwrap();
        for row in &world.rows {
            let (contig, position) = (row.contig + 1, row.position);
            if !keep(contig, position) {
                continue;
            }
            write!(
                vcf,
                "{contig}\t{position}\t{contig}:{position}\tA\tG\t.\t.\t.\tGT"
            )
            .unwrap();
            for genotype in &row.genotypes {
                vcf += ["\t0/0", "\t0/1", "\t1/1"][usize::from(*genotype)];
            }
            vcf.push('\n');
        }
        let path = folder.path().join(format!("{name}.vcf"));
        std::fs::write(&path, vcf).unwrap();
        let out = folder.path().join(name);
        let output = std::process::Command::new("plink2")
            .arg("--vcf")
            .arg(&path)
            .args([
                "--indep-pairwise",
                "100kb",
                "1",
                "0.2",
                "--threads",
                "1",
                "--out",
            ])
            .arg(&out)
            .output()
            .expect("plink2 runs; 'make oracles' brings it");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let left = std::fs::read_to_string(out.with_extension("prune.out")).unwrap();
        left.lines().count()
    };
    let total = world.rows.len();
    let pruned = prune("all", &|_, _| true);
    let kept = panel.sites();
    let left = prune("kept", &|contig, position| {
        let same = |site: &varisk_ancestry::PanelSite| {
            site.contig == contig.to_string() && site.position.0 == position
        };
        kept.iter().any(same)
    });
    println!(
        "kept: {} here, {} by plink2, of {total}",
        kept.len(),
        total - pruned
    );
    assert_eq!(left, 0);
    // The rules differ in which of a pair goes: the first stays here, the commoner one there.
    assert!(kept.len() < total * 9 / 10);
}

/// The shrinkage correction at full size, as FRAPOSA sets its dimensions: four times the components
/// go into the online decomposition, twice as many into the Procrustes transformation, whose target
/// is padded with columns that it finds itself.
const SHRINKAGE: &str = r#"
import sys
import numpy as np
k = int(sys.argv[3])
g = np.loadtxt(sys.argv[1], delimiter=",")
new = np.loadtxt(sys.argv[2], delimiter=",")
p = g.mean(axis=1, keepdims=True) / 2
scale = np.sqrt(2 * p * (1 - p))
u, s, vt = np.linalg.svd((g - 2 * p) / scale, full_matrices=False)
new = (new - 2 * p) / scale

def turn(target, source):
    mt, ms = target.mean(0), source.mean(0)
    a, d, b = np.linalg.svd((source - ms).T @ (target - mt))
    rotation, rho = a @ b, d.sum() / ((source - ms) ** 2).sum()
    return lambda x: (x - ms) @ rotation * rho + mt

print("person," + ",".join(f"PC{i}" for i in range(k)))
held = 4 * k
known = vt[:k].T * s[:k]
for j in range(new.shape[1]):
    y = new[:, j]
    inside = u[:, :held].T @ y
    rest = y - u[:, :held] @ inside
    size = np.linalg.norm(rest)
    inner = np.zeros((held + 1, held + 1))
    inner[:held, :held] = np.diag(s[:held])
    inner[:held, held] = inside
    inner[held, held] = size
    _, d, w = np.linalg.svd(inner)
    big = np.zeros((g.shape[1] + 1, held + 1))
    big[:-1, :held] = vt[:held].T
    big[-1, held] = 1
    places = (big @ w.T * d)[:, : 2 * k]
    extra = np.zeros((g.shape[1], k))
    for _ in range(10000):
        apply = turn(np.hstack([known, extra]), places[:-1])
        found = apply(places[:-1])[:, k:]
        change = ((found - extra) ** 2).sum() / ((found - found.mean(0)) ** 2).sum()
        extra = found
        if change < 1e-12:
            break
    print(f"{j}," + ",".join(repr(float(x)) for x in apply(places[-1:])[0, :k]))
"#;

/// Places differ little, since the panel here holds half as much and takes its own further
/// components for the target.
#[test]
fn corrected_places_are_those_of_the_full_size_method() {
    let world = World::new(&[70; 4], 3_000, 0.03, 205);
    let (patients, members) = (world.every(7, 0), world.people());
    let members: Vec<usize> = members.into_iter().filter(|i| i % 7 > 0).collect();
    let panel = Arc::new(world.panel(&members, loose(3)));
    assert_eq!(panel.sites().len(), world.rows.len());
    let options = ProjectionOptions::default();
    let mut fold =
        Projection::new(Arc::clone(&panel), &contigs(), patients.len(), options).unwrap();
    fold.observe(&batch(0, &world.rows, &patients)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, people: &[usize]| {
        let mut text = String::new();
        for row in &world.rows {
            let genotypes = people.iter().map(|i| row.genotypes[*i].to_string());
            writeln!(text, "{}", genotypes.collect::<Vec<_>>().join(",")).unwrap();
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (own, new) = (write("panel.csv", &members), write("new.csv", &patients));
    let expected = rows(&python(SHRINKAGE, &[&own, &new, std::path::Path::new("3")]));
    let (mut apart, mut reach, mut people) = (0.0, 0.0, 0);
    for (placement, expected) in fold.results().iter().zip(&expected) {
        let components = placement.components.as_ref().unwrap();
        for (got, expected) in components.iter().zip(&expected[1..]) {
            // The sign of a component is free, so magnitudes are compared.
            let expected = number(expected);
            apart += (got.abs() - expected.abs()).powi(2);
            reach += expected.powi(2);
        }
        people += 1;
    }
    assert_eq!(people, patients.len());
    let difference = (apart / reach).sqrt();
    println!(
        "places of {people} people differ by {difference:.1e} of their distance from the middle"
    );
    assert!(difference < 0.02, "{difference}");
}
