//! The sites of the cohort: planted cases, causal variants, and a background of all kinds.

use std::ops::Range;

use super::evaluate::Scorer;
use super::genes::Gene;
use super::genome::{CONTIGS, Genome, M, X, Y, is_pseudoautosomal};
use super::normalise::Allele;
use super::site::{Causal, Layout, Site};
use crate::models::variant_kmer::THRESHOLD;
use crate::random::Random;
use crate::sequence::{STOPS, background, complement, reverse_complement, substitute};

/// Background records on each contig.
const BACKGROUND: [usize; 5] = [1_120, 590, 470, 120, 80];

/// Bases kept free between two records, so that only planted ones touch.
const MARGIN: usize = 3;

/// Which bases a record stands on already.
struct Occupied(Vec<(usize, Range<usize>)>);

impl Occupied {
    /// Takes a range if it is free, on the contig, without N, and genotyped at all.
    fn claim(&mut self, genome: &Genome, contig: usize, range: Range<usize>) -> bool {
        let wide = range.start.saturating_sub(MARGIN)..range.end + MARGIN;
        let taken = self
            .0
            .iter()
            .any(|(other, r)| *other == contig && r.start < wide.end && wide.start < r.end);
        // Callers mask the pseudoautosomal regions of Y: its reads go to X.
        let masked = contig == Y && is_pseudoautosomal(contig, range.start);
        if taken || masked || !genome.is_known(contig, range.clone()) {
            return false;
        }
        self.0.push((contig, range));
        true
    }
}

/// All sites, sorted.
pub(crate) fn draw(random: &mut Random, genome: &Genome) -> Vec<Site> {
    let scorer = Scorer::new(genome);
    let mut maker = Maker {
        genome,
        scorer: &scorer,
        occupied: Occupied(Vec::new()),
        sites: Vec::new(),
    };
    maker.planted(random);
    for gene in &genome.genes {
        if gene.contig <= X {
            maker.causal(random, gene);
        }
    }
    for (contig, count) in BACKGROUND.into_iter().enumerate() {
        maker.background(random, contig, count);
    }
    let mut sites = maker.sites;
    sites.sort_by_key(|site| (site.contig, site.position));
    sites
}

struct Maker<'a> {
    genome: &'a Genome,
    scorer: &'a Scorer<'a>,
    occupied: Occupied,
    sites: Vec<Site>,
}

impl Maker<'_> {
    /// Adds a site if its bases are free.
    fn add(&mut self, site: Site) -> bool {
        let free = self.occupied.claim(self.genome, site.contig, site.range());
        if free {
            self.sites.push(site);
        }
        free
    }

    /// Draws sites until one fits.
    fn place(&mut self, random: &mut Random, mut draw: impl FnMut(&mut Random) -> Option<Site>) {
        while !draw(random).is_some_and(|site| self.add(site)) {}
    }

    fn text(&self, contig: usize, range: Range<usize>) -> String {
        self.genome.text(contig, range)
    }

    fn planted(&mut self, random: &mut Random) {
        self.ends();
        self.spanning(random);
        self.structural();
        self.long(random);
        self.shifted(random);
        self.genotype_cases(random);
        self.many_alleles(random);
    }

    /// Records whose window leaves the contig or meets N.
    fn ends(&mut self) {
        let snv = |genome: &Genome, contig: usize, position: usize, case| {
            let base = genome.contigs[contig][position];
            let other = if base == b'A' { "G" } else { "A" };
            let text = genome.text(contig, position..position + 1);
            Site::new(contig, position, &text, other)
                .case(case)
                .copies(7)
        };
        let genome = self.genome;
        let last = CONTIGS[M].1 - 1;
        // The first base has none before it: the base after the deletion anchors it.
        let first = self.text(M, 0..2);
        self.occupied.claim(genome, M, 0..2);
        self.sites.push(
            Site::new(M, 0, &first, &first[1..])
                .case("deletion_of_first_base")
                .copies(3),
        );
        self.add(snv(genome, M, 6, "near_contig_start"));
        let base = self.text(M, last..last + 1);
        self.add(
            Site::new(M, last, &base, &format!("{base}TG"))
                .case("insertion_after_last_base")
                .copies(4),
        );
        self.add(snv(genome, 1, CONTIGS[1].1 - 1, "last_base"));
        self.add(snv(genome, 0, 1_000, "beside_unknown_bases"));
        self.add(snv(genome, 0, 99_999, "beside_unknown_bases"));
    }

    /// Deletions, and records inside them that name the deleted haplotypes `*`.
    fn spanning(&mut self, random: &mut Random) {
        for _ in 0..3 {
            let genome = self.genome;
            let position = loop {
                let position = random.index(CONTIGS[0].1 - 20);
                if self.occupied.claim(genome, 0, position..position + 10) {
                    break position;
                }
            };
            let text = self.text(0, position..position + 9);
            let inner = position + 4;
            let base = genome.contigs[0][inner];
            let other = substitute(random, base) as char;
            self.sites.push(
                Site::new(0, position, &text, &text[..1])
                    .case("spanning_deletion")
                    .copies(9),
            );
            self.sites.push(
                Site::new(0, inner, &text[4..5], &other.to_string())
                    .copies(12)
                    .and("*")
                    .case("star_allele"),
            );
        }
    }

    /// A symbolic allele, a breakend, and a record without an alternate allele.
    fn structural(&mut self) {
        let genome = self.genome;
        let mut one = |position: usize, alternate: &str, info: Option<String>, case| {
            let mut position = position;
            loop {
                let base = genome.text(0, position..position + 1);
                let alternate = alternate.replace("{}", &base);
                let mut site = Site::new(0, position, &base, &alternate)
                    .case(case)
                    .copies(3);
                site.info.clone_from(&info);
                if alternate == "." {
                    site.alternates.clear();
                }
                // The bases that <DEL> takes are not claimed: records inside it are usual.
                if self.add(site) {
                    return;
                }
                position += 1;
            }
        };
        one(
            25_000,
            "<DEL>",
            Some("SVTYPE=DEL;END=25301;SVLEN=-300".to_owned()),
            "symbolic_deletion",
        );
        one(
            61_000,
            "{}[chr2:50000[",
            Some("SVTYPE=BND".to_owned()),
            "breakend",
        );
        one(150_000, ".", None, "no_alternate");
    }

    /// Alleles longer than what a window of 41 bases shows whole.
    fn long(&mut self, random: &mut Random) {
        let genome = self.genome;
        self.place(random, |random| {
            let position = random.index(CONTIGS[0].1 - 100);
            let inserted = background(random, 30);
            let base = genome.text(0, position..position + 1);
            let alternate = format!("{base}{}", String::from_utf8_lossy(&inserted));
            Some(
                Site::new(0, position, &base, &alternate)
                    .case("long_insertion")
                    .copies(5),
            )
        });
        self.place(random, |random| {
            let position = random.index(CONTIGS[1].1 - 100);
            let text = genome.text(1, position..position + 26);
            Some(
                Site::new(1, position, &text, &text[..1])
                    .case("long_deletion")
                    .copies(5),
            )
        });
    }

    /// Indels in repeats written at their right end, and alleles with bases that could be trimmed.
    fn shifted(&mut self, random: &mut Random) {
        let genome = self.genome;
        for number in 0..36 {
            self.place(random, |random| {
                let (contig, repeat) = &genome.repeats[random.index(genome.repeats.len())];
                // The repeat's unit is not asked for: rolling finds how far it goes.
                let length = random.between(1, 4) as usize;
                let left = repeat.start - 1;
                let inserted = &genome.contigs[*contig][left + 1..left + 1 + length];
                let site = if number % 2 == 0 {
                    rolled_insertion(genome, *contig, left, inserted)
                } else {
                    rolled_deletion(genome, *contig, left, length)
                }?;
                let copies = random.between(1, 20) as usize;
                (site.position > left).then(|| site.case("not_left_aligned").copies(copies))
            });
        }
        for number in 0..16 {
            self.place(random, |random| {
                let contig = random.index(3);
                let position = random.between(2_000, CONTIGS[contig].1 as u64 - 100) as usize;
                let reference = genome.text(contig, position..position + 4);
                let base = reference.as_bytes()[1];
                let other = substitute(random, base) as char;
                let (first, rest) = (&reference[..1], &reference[2..]);
                let (alternate, case) = match number % 3 {
                    0 => (format!("{first}{other}{rest}"), "snv_with_extra_bases"),
                    1 => (format!("{first}{rest}"), "indel_with_extra_bases"),
                    _ => (
                        format!("{first}{other}{}{rest}", &reference[1..2]),
                        "indel_with_extra_bases",
                    ),
                };
                let copies = random.between(1, 20) as usize;
                Some(
                    Site::new(contig, position, &reference, &alternate)
                        .case(case)
                        .copies(copies),
                )
            });
        }
    }

    /// Records for unusual genotype columns; `genotypes` writes what the case says.
    fn genotype_cases(&mut self, random: &mut Random) {
        let genome = self.genome;
        for (case, contig, layout, count) in [
            ("half_calls", 0, Layout::Usual, 3),
            ("dot_for_a_diploid", 0, Layout::Usual, 1),
            ("dp_gq_swapped", 0, Layout::Reordered, 2),
            ("genotype_only", 1, Layout::GenotypeOnly, 2),
            ("trailing_fields_dropped", 1, Layout::Trailing, 3),
            ("all_missing", 1, Layout::Usual, 1),
            ("heterozygous_male_x", X, Layout::Usual, 3),
        ] {
            for _ in 0..count {
                self.place(random, |random| {
                    let position = random.between(22_000, 90_000) as usize;
                    let mut site = snv(random, genome, contig, position).case(case).copies(14);
                    site.layout = layout;
                    Some(site)
                });
            }
        }
        // Two records of one position, as callers write that do not join alleles.
        self.place(random, |random| {
            let position = random.between(22_000, 90_000) as usize;
            Some(
                snv(random, genome, 1, position)
                    .case("same_position")
                    .copies(10),
            )
        });
        if let Some(first) = self.sites.last().cloned() {
            let base = first.reference.clone();
            self.sites.push(
                Site::new(1, first.position, &base, &format!("{base}CA"))
                    .case("same_position")
                    .copies(6),
            );
        }
    }

    /// All three other bases, and repeats of several lengths.
    fn many_alleles(&mut self, random: &mut Random) {
        let genome = self.genome;
        for _ in 0..3 {
            self.place(random, |random| {
                let position = random.between(2_000, 90_000) as usize;
                let base = genome.text(0, position..position + 1);
                let mut others = ["A", "C", "G", "T"].into_iter().filter(|b| *b != base);
                let site = Site::new(0, position, &base, others.next()?);
                let site = others.fold(site, Site::and);
                Some(site.case("three_alternates").copies(8))
            });
        }
        for _ in 0..4 {
            self.place(random, |random| {
                let (contig, repeat) = &genome.repeats[random.index(genome.repeats.len())];
                let left = repeat.start - 1;
                let text = genome.text(*contig, left..left + 3);
                let site = Site::new(*contig, left, &text, &text[..1])
                    .and(&text[..2])
                    .and(&format!("{}{}", text, &text[1..]));
                Some(site.case("multi_allelic_repeat").copies(10))
            });
        }
    }

    /// Rare variants of a gene that raise liability.
    fn causal(&mut self, random: &mut Random, gene: &Gene) {
        let genome = self.genome;
        let scorer = self.scorer;
        let plan = [
            ("stop_gained", 1_000, 2),
            ("frameshift_variant", 900, 2),
            ("", 800, 2),
        ];
        for (consequence, effect, count) in plan {
            for _ in 0..count {
                let copies = random.pick(&[1, 1, 2, 2, 3]);
                self.place(random, |random| {
                    let (site, consequence) = match consequence {
                        "stop_gained" => (stop_gained(random, genome, gene)?, consequence),
                        "frameshift_variant" => (frameshift(random, genome, gene)?, consequence),
                        _ => splice(random, genome, gene)?,
                    };
                    // Not all are within reach of the model (a codon across two exons).
                    let score = scorer.score_text(&site, 0.02)?;
                    (score > THRESHOLD).then(|| {
                        let mut site = site.case("causal").copies(copies);
                        site.causal = Some(Causal {
                            gene: gene.name.clone(),
                            consequence,
                            effect,
                        });
                        site
                    })
                });
            }
        }
    }

    /// Neutral variants of all kinds. Most of those that would look damaging to the model are left
    /// out, as selection would have done: else chance alone would outweigh the causal ones.
    fn background(&mut self, random: &mut Random, contig: usize, count: usize) {
        let genome = self.genome;
        let scorer = self.scorer;
        for _ in 0..count {
            self.place(random, |random| {
                let position = random.between(20, CONTIGS[contig].1 as u64 - 60) as usize;
                if !genome.is_known(contig, position..position + 40) {
                    return None;
                }
                let site = neutral(random, genome, contig, position)?;
                let damaging = site.alternates.iter().any(|alternate| {
                    let one = Site::new(contig, site.position, &site.reference, &alternate.text);
                    scorer
                        .score_text(&one, 0.0)
                        .is_some_and(|score| score > THRESHOLD)
                });
                (!damaging || random.chance(50)).then_some(site)
            });
        }
    }
}

fn snv(random: &mut Random, genome: &Genome, contig: usize, position: usize) -> Site {
    let base = genome.contigs[contig][position];
    let other = substitute(random, base) as char;
    let text = (base as char).to_string();
    Site::new(contig, position, &text, &other.to_string())
}

fn neutral(random: &mut Random, genome: &Genome, contig: usize, position: usize) -> Option<Site> {
    let text = |length: usize| genome.text(contig, position..position + length);
    let other = |random: &mut Random, offset: usize| {
        substitute(random, genome.contigs[contig][position + offset]) as char
    };
    // Short ones are the most frequent.
    let length = (random.between(1, 12).min(random.between(1, 12))) as usize;
    Some(match random.below(100) {
        0..=4 => {
            let inserted = background(random, length);
            let base = text(1);
            let alternate = format!("{base}{}", String::from_utf8_lossy(&inserted));
            left_aligned(genome, &Site::new(contig, position, &base, &alternate))?
        }
        5..=8 => {
            // A tandem duplication.
            let alternate = format!("{}{}", text(1 + length), &text(1 + length)[1..]);
            left_aligned(
                genome,
                &Site::new(contig, position, &text(1 + length), &alternate),
            )?
        }
        9..=15 => {
            let reference = text(1 + length);
            left_aligned(
                genome,
                &Site::new(contig, position, &reference, &reference[..1]),
            )?
        }
        16..=18 => {
            let length = random.between(2, 3) as usize;
            let alternate: String = (0..length).map(|offset| other(random, offset)).collect();
            Site::new(contig, position, &text(length), &alternate)
        }
        19 => {
            // Replaced by another number of bases, without a common first or last base.
            let inner = background(random, 2);
            let alternate = format!(
                "{}{}{}",
                other(random, 0),
                String::from_utf8_lossy(&inner),
                other(random, 2)
            );
            Site::new(contig, position, &text(3), &alternate)
        }
        20..=22 => {
            let first = other(random, 0);
            let second = loop {
                let second = other(random, 0);
                if second != first {
                    break second;
                }
            };
            Site::new(contig, position, &text(1), &first.to_string()).and(&second.to_string())
        }
        23 => {
            let reference = text(3);
            let first = format!("{}{}", other(random, 0), &reference[1..]);
            Site::new(contig, position, &reference, &first).and(&reference[..1])
        }
        _ => snv(random, genome, contig, position),
    })
}

/// The same change in its normal form.
fn left_aligned(genome: &Genome, site: &Site) -> Option<Site> {
    let alternate = &site.alternates[0].text;
    let allele = Allele::normal(
        genome,
        site.contig,
        site.position,
        &site.reference,
        alternate,
    )?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Site::new(
        site.contig,
        allele.position,
        &text(&allele.reference),
        &text(&allele.alternate),
    ))
}

/// An insertion after `left`, moved as far right as it reads the same.
fn rolled_insertion(genome: &Genome, contig: usize, left: usize, inserted: &[u8]) -> Option<Site> {
    let bases = &genome.contigs[contig];
    let mut inserted = inserted.to_vec();
    let mut anchor = left;
    while *bases.get(anchor + 1)? == inserted[0] {
        inserted.rotate_left(1);
        anchor += 1;
    }
    let base = genome.text(contig, anchor..anchor + 1);
    let alternate = format!("{base}{}", String::from_utf8_lossy(&inserted));
    Some(Site::new(contig, anchor, &base, &alternate))
}

/// A deletion of the bases after `left`, moved as far right as it reads the same.
fn rolled_deletion(genome: &Genome, contig: usize, left: usize, length: usize) -> Option<Site> {
    let bases = &genome.contigs[contig];
    let mut anchor = left;
    while *bases.get(anchor + 1 + length)? == bases[anchor + 1] {
        anchor += 1;
    }
    let reference = genome.text(contig, anchor..anchor + 1 + length);
    Some(Site::new(contig, anchor, &reference, &reference[..1]))
}

/// A substitution that makes a codon of the gene a stop codon.
fn stop_gained(random: &mut Random, genome: &Genome, gene: &Gene) -> Option<Site> {
    let positions = gene.coding_positions();
    let codon_number = random.index(positions.len() / 3 - 2) + 1;
    let codon = &positions[codon_number * 3..codon_number * 3 + 3];
    let place = random.index(3);
    let strand = |base: u8| if gene.forward { base } else { complement(base) };
    let mut read: Vec<u8> = codon
        .iter()
        .map(|position| strand(genome.contigs[gene.contig][*position]))
        .collect();
    let old = read[place];
    let new = random.pick(b"ATG");
    read[place] = new;
    if old == new || !STOPS.iter().any(|stop| read == *stop) {
        return None;
    }
    let text = |base: u8| (strand(base) as char).to_string();
    Some(Site::new(gene.contig, codon[place], &text(old), &text(new)))
}

/// A short insertion or deletion inside a coding exon that shifts the frame.
fn frameshift(random: &mut Random, genome: &Genome, gene: &Gene) -> Option<Site> {
    let part = &gene.coding[random.index(gene.coding.len())];
    let position = part.start + 20 + random.index(part.len() - 40);
    let length = random.pick(&[1, 1, 2, 4, 5]);
    let reference = genome.text(gene.contig, position..position + 1 + length);
    let site = if random.chance(500) {
        Site::new(gene.contig, position, &reference, &reference[..1])
    } else {
        let inserted = background(random, length);
        let alternate = format!("{}{}", &reference[..1], String::from_utf8_lossy(&inserted));
        Site::new(gene.contig, position, &reference[..1], &alternate)
    };
    let site = left_aligned(genome, &site)?;
    (site.position > part.start + 3).then_some(site)
}

/// A substitution of one of the two bases at either end of an intron.
fn splice(random: &mut Random, genome: &Genome, gene: &Gene) -> Option<(Site, &'static str)> {
    let introns = gene.introns();
    let intron = introns.get(random.index(introns.len().max(1)))?;
    let donor = random.chance(500);
    let consequence = if donor {
        "splice_donor_variant"
    } else {
        "splice_acceptor_variant"
    };
    let offset = random.index(2);
    let position = if donor == gene.forward {
        intron.start + offset
    } else {
        intron.end - 1 - offset
    };
    // The ends really are GT and AG on the gene's strand.
    let ends = [
        genome.text(gene.contig, intron.start..intron.start + 2),
        genome.text(gene.contig, intron.end - 2..intron.end),
    ];
    debug_assert_eq!(
        ends,
        if gene.forward {
            ["GT", "AG"].map(str::to_owned)
        } else {
            [b"AG", b"GT"].map(|e| String::from_utf8_lossy(&reverse_complement(e)).into_owned())
        }
    );
    Some((snv(random, genome, gene.contig, position), consequence))
}
