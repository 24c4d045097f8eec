//! Sites that a run asks for, in memory: read like a VCF file without samples.

use std::io::{self, Read};
use std::sync::Arc;

use varisk_core::{ContigId, ContigSet, Position, columns::ASKED_SITE};

use crate::ReadError;
use crate::record::check_reference_text;
use crate::stream::ContigOrder;

/// An allele that needs a row, whatever the files of the patients hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAllele {
    /// Contig.
    pub contig: ContigId,
    /// Position of the first base of REF, 1-based.
    pub position: Position,
    /// REF, bases in any case.
    pub reference: Vec<u8>,
    /// ALT, bases in any case.
    pub alternate: Vec<u8>,
}

/// The header of a file of sites: it lists no contigs, so it never decides their order.
pub(crate) const SITES_HEADER: &str =
    "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

/// Lines are written together until they are this long.
const WRITTEN_TOGETHER: usize = 32 << 10;

/// Alleles in the order that they were given, laid out without an allocation each.
///
/// # Memory
/// 16 bytes a site and its alleles.
pub(crate) struct SiteList {
    sites: Vec<Site>,
    /// `REF`, tab, `ALT` of all sites.
    text: Vec<u8>,
}

struct Site {
    contig: ContigId,
    position: Position,
    start: u32,
    length: u32,
}

impl SiteList {
    pub(crate) fn try_new(
        name: &str,
        contigs: &ContigSet,
        sites: Vec<SiteAllele>,
    ) -> Result<Self, ReadError> {
        let mut list = Self {
            sites: Vec::with_capacity(sites.len()),
            text: Vec::new(),
        };
        for (number, site) in (1..).zip(sites) {
            let refuse = |detail: &str| ReadError::Placement {
                file: name.to_owned(),
                record: number,
                detail: detail.to_owned(),
            };
            if site.contig.0 as usize >= contigs.len() {
                return Err(refuse("the site is on no contig of the reference"));
            }
            check_reference_text(&site.reference)
                .map_err(|_| refuse("REF of the site is not a sequence of bases"))?;
            check_reference_text(&site.alternate)
                .map_err(|_| refuse("ALT of the site is not a sequence of bases"))?;
            list.push(&site)
                .ok_or_else(|| refuse("the alleles of all sites together exceed 4 GiB"))?;
        }
        list.text.shrink_to_fit();
        Ok(list)
    }

    /// Without the bases that REF and ALT both end with, so that one allele written in two ways is one.
    fn push(&mut self, site: &SiteAllele) -> Option<()> {
        let shared = site
            .reference
            .iter()
            .rev()
            .zip(site.alternate.iter().rev())
            .take_while(|(r, a)| r.eq_ignore_ascii_case(a))
            .count()
            .min(site.reference.len() - 1)
            .min(site.alternate.len() - 1);
        let start = self.text.len();
        let kept = |allele: &[u8]| allele.len() - shared;
        self.text
            .extend_from_slice(&site.reference[..kept(&site.reference)]);
        self.text.push(b'\t');
        self.text
            .extend_from_slice(&site.alternate[..kept(&site.alternate)]);
        self.text[start..].make_ascii_uppercase();
        u32::try_from(self.text.len()).ok()?;
        self.sites.push(Site {
            contig: site.contig,
            position: site.position,
            start: u32::try_from(start).ok()?,
            length: u32::try_from(self.text.len() - start).ok()?,
        });
        Some(())
    }

    /// The sites as lines of VCF, in the order of the run, each once.
    pub(crate) fn lines(mut self, contigs: Arc<ContigSet>, order: &ContigOrder) -> SiteLines {
        let text = &self.text;
        let key = |site: &Site| (order.rank(site.contig), site.position, site.contig);
        self.sites.sort_unstable_by(|a, b| {
            let alleles = || alleles(text, a).cmp(alleles(text, b));
            key(a).cmp(&key(b)).then_with(alleles)
        });
        self.sites
            .dedup_by(|a, b| key(a) == key(b) && alleles(text, a) == alleles(text, b));
        SiteLines {
            list: self,
            contigs,
            next: 0,
            ready: Vec::new(),
            given: 0,
        }
    }
}

fn alleles<'t>(text: &'t [u8], site: &Site) -> &'t [u8] {
    let start = site.start as usize;
    text.get(start..start + site.length as usize)
        .unwrap_or_default()
}

/// Writes the lines as they are read.
pub(crate) struct SiteLines {
    list: SiteList,
    contigs: Arc<ContigSet>,
    next: usize,
    ready: Vec<u8>,
    given: usize,
}

impl SiteLines {
    fn write_more(&mut self) {
        self.ready.clear();
        self.given = 0;
        while let Some(site) = self.list.sites.get(self.next)
            && self.ready.len() < WRITTEN_TOGETHER
        {
            self.next += 1;
            let contig = self.contigs.name(site.contig);
            let place = format!("{contig}\t{}\t{ASKED_SITE}\t", site.position);
            self.ready.extend_from_slice(place.as_bytes());
            self.ready.extend_from_slice(alleles(&self.list.text, site));
            self.ready.extend_from_slice(b"\t.\t.\t.\n");
        }
    }
}

impl Read for SiteLines {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.write_more();
        }
        let count = (&self.ready[self.given..]).read(buf)?;
        self.given += count;
        Ok(count)
    }
}
