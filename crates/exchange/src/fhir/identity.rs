//! Identity of resources: the same run and patient give the same identifiers.

use sha2::{Digest, Sha256};

/// Names the resources of one patient.
pub(super) struct Identity {
    hash: Sha256,
}

impl Identity {
    /// From the plan of the run, which decides its tables, and the patient.
    pub(super) fn new(plan_sha256: &str, patient: &str) -> Self {
        let mut identity = Self {
            hash: Sha256::new(),
        };
        identity.update("varisk-fhir-1");
        identity.update(plan_sha256);
        identity.update(patient);
        identity
    }

    fn update(&mut self, text: &str) {
        // With its length, so that no two rows of texts run into the same bytes.
        self.hash.update(text.len().to_le_bytes());
        self.hash.update(text);
    }

    /// The UUID of an item: version 8 of RFC 9562 (the vendor's own), its 122 free bits from SHA-256.
    pub(super) fn uuid(&self, item: &str) -> String {
        let mut named = Self {
            hash: self.hash.clone(),
        };
        named.update(item);
        let digest = named.hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_repeat_and_differ() {
        let uuid = |plan, patient, item: &str| Identity::new(plan, patient).uuid(item);
        assert_eq!(uuid("p", "A", "report"), uuid("p", "A", "report"));
        let all = [
            uuid("p", "A", "report"),
            uuid("p", "A", "patient"),
            uuid("p", "B", "report"),
            uuid("q", "A", "report"),
            uuid("pA", "", "report"),
            uuid("p", "Ar", "eport"),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one));
            assert_eq!(one.len(), 36);
            assert_eq!(one.as_bytes()[14], b'8');
            assert!(b"89ab".contains(&one.as_bytes()[19]));
        }
    }
}
