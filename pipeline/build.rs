//! Tells the program what it is built for. Nothing of the machine or the time of the build: the same
//! sources give the same program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["TARGET", "PROFILE"] {
        let value = std::env::var(name).unwrap_or_default();
        println!("cargo::rustc-env=VARISK_{name}={value}");
    }
}
