//! Trained models on real data, beside those of Python libraries.
#![cfg(test)]

mod clinvar;
mod simulated;
#[path = "../support"]
mod support {
    #[expect(dead_code, reason = "each target uses a part")]
    pub(crate) mod oracle;
    #[expect(dead_code, reason = "each target uses a part")]
    pub(crate) mod program;
}
mod tables;
