# shellcheck shell=sh
# Sourced before a release is built, wherever that happens: the same sources and tools then give the same
# bytes, and the program holds no path of the machine that built it. Works in sh.
#
#     . pipeline/packages/reproducible.sh
#
# What stays in panic messages are names like varisk/target and cargo/registry, the same everywhere.

varisk_top=${VARISK_TOP:-$PWD}
[ -f "$varisk_top/pipeline/packages/reproducible.sh" ] || {
    echo "reproducible.sh: source it in the top folder of varisk, or name that with VARISK_TOP" >&2
    return 1
}
varisk_cargo=${CARGO_HOME:-$HOME/.cargo}
varisk_target=${CARGO_TARGET_DIR:-$varisk_top/target}
# Of a toolchain with its sources, messages name these; without, they name where rustc was built.
varisk_library=$(rustc --print sysroot)/lib/rustlib/src/rust
varisk_commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')

# The last prefix that fits wins, so the folder that holds another stands before it.
for varisk_map in "$varisk_cargo=/cargo" "$varisk_top=/varisk" "$varisk_target=/varisk/target"; do
    RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }--remap-path-prefix=$varisk_map"
    # htslib and the codecs are C, and name their files in assertions.
    CFLAGS="${CFLAGS:+$CFLAGS }-ffile-prefix-map=$varisk_map"
    CXXFLAGS="${CXXFLAGS:+$CXXFLAGS }-ffile-prefix-map=$varisk_map"
done
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$varisk_library=/rustc/$varisk_commit"
# Archives such as wheels carry no time of their own; this is the earliest that a zip file can say.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
export RUSTFLAGS CFLAGS CXXFLAGS SOURCE_DATE_EPOCH
# What an incremental build leaves out or cuts otherwise depends on the build before.
CARGO_INCREMENTAL=0
export CARGO_INCREMENTAL
unset varisk_top varisk_cargo varisk_target varisk_library varisk_commit varisk_map
