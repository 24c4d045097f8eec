//! Which haplotypes carry which alleles, and that as bytes.

use std::collections::BTreeMap;

/// A haplotype of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Carrier {
    /// Column of the calls.
    pub(super) patient: u32,
    /// 0 for the first allele of GT, 1 for the second.
    pub(super) haplotype: u8,
}

/// A normalised allele; sorts by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AlleleKey {
    pub(super) contig: u32,
    pub(super) position: u32,
    pub(super) reference: Box<str>,
    pub(super) alternate: Box<str>,
}

/// Carriers of each allele, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carriers(BTreeMap<AlleleKey, Vec<Carrier>>);

/// First bytes of a saved fold, with its version.
const MAGIC: &[u8; 8] = b"vrkhap\0\x01";

impl Carriers {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AlleleKey, &Vec<Carrier>)> {
        self.0.iter()
    }

    /// Adds carriers of an allele; those that are there already count once.
    pub(super) fn add(&mut self, key: AlleleKey, carriers: Vec<Carrier>) {
        let held = self.0.entry(key).or_default();
        held.extend(carriers);
        held.sort_unstable();
        held.dedup();
    }

    /// The carriers as bytes: numbers are little-endian, texts and lists have their length before
    /// them.
    pub(super) fn save(&self, fingerprint: &[u64; 4]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in fingerprint {
            bytes.extend(number.to_le_bytes());
        }
        let count = |bytes: &mut Vec<u8>, count: usize| {
            bytes.extend((count as u64).to_le_bytes());
        };
        count(&mut bytes, self.0.len());
        for (key, carriers) in &self.0 {
            bytes.extend(key.contig.to_le_bytes());
            bytes.extend(key.position.to_le_bytes());
            for text in [&key.reference, &key.alternate] {
                count(&mut bytes, text.len());
                bytes.extend(text.as_bytes());
            }
            count(&mut bytes, carriers.len());
            for carrier in carriers {
                bytes.extend(carrier.patient.to_le_bytes());
                bytes.push(carrier.haplotype);
            }
        }
        bytes
    }

    /// Adds saved carriers. Nothing changes where the bytes are wrong.
    pub(super) fn merge(
        &mut self,
        fingerprint: &[u64; 4],
        bytes: &[u8],
    ) -> Result<(), &'static str> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or("it is of another kind")?;
        let mut found = [0; 4];
        for number in &mut found {
            *number = long(&mut rest)?;
        }
        if found != *fingerprint {
            return Err("it was made with other settings, patients or gene models");
        }
        let mut added = Self::default();
        for _ in 0..long(&mut rest)? {
            let (contig, position) = (word(&mut rest)?, word(&mut rest)?);
            let (reference, alternate) = (text(&mut rest)?, text(&mut rest)?);
            let count = long(&mut rest)?;
            let mut carriers = Vec::new();
            for _ in 0..count {
                let patient = word(&mut rest)?;
                let [haplotype] = take::<1>(&mut rest)?;
                carriers.push(Carrier { patient, haplotype });
            }
            let key = AlleleKey {
                contig,
                position,
                reference,
                alternate,
            };
            added.add(key, carriers);
        }
        if !rest.is_empty() {
            return Err(DAMAGED);
        }
        for (key, carriers) in added.0 {
            self.add(key, carriers);
        }
        Ok(())
    }
}

const DAMAGED: &str = "it is damaged";

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (head, tail) = rest.split_first_chunk().ok_or(DAMAGED)?;
    *rest = tail;
    Ok(*head)
}

fn word(rest: &mut &[u8]) -> Result<u32, &'static str> {
    take(rest).map(u32::from_le_bytes)
}

fn long(rest: &mut &[u8]) -> Result<u64, &'static str> {
    take(rest).map(u64::from_le_bytes)
}

fn text(rest: &mut &[u8]) -> Result<Box<str>, &'static str> {
    let length = usize::try_from(long(rest)?).map_err(|_| DAMAGED)?;
    let (head, tail) = rest.split_at_checked(length).ok_or(DAMAGED)?;
    *rest = tail;
    Ok(std::str::from_utf8(head).map_err(|_| DAMAGED)?.into())
}
