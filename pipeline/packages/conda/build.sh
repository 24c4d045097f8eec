#!/bin/bash
set -euxo pipefail

# The build has no home folder of its own.
export CARGO_HOME="${CARGO_HOME:-${SRC_DIR}/.cargo-home}"
# The bindings of htslib are made with libclang, which looks for the headers of the C library.
export LIBCLANG_PATH="${LIBCLANG_PATH:-${BUILD_PREFIX}/lib}"
export BINDGEN_EXTRA_CLANG_ARGS="${BINDGEN_EXTRA_CLANG_ARGS:-} ${CPPFLAGS:-}${CONDA_BUILD_SYSROOT:+ --sysroot=${CONDA_BUILD_SYSROOT}}"

cd "${SRC_DIR}"
# shellcheck source=../reproducible.sh
. pipeline/packages/reproducible.sh
(cd pipeline && cargo-bundle-licenses --format yaml --output ../THIRDPARTY.yml)
cargo install --no-track --locked --jobs "${CPU_COUNT:-1}" --root "${PREFIX}" --path pipeline
pipeline/packages/share "${PREFIX}"
