#!/usr/bin/env bash
# Runs every fuzz target for SECONDS each, from the committed seeds; stops at the first failure.
# Usage: crates/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    targets=(vcf_record vcf_header genotype bcf_record fasta_index manifest samplesheet gene_models knowledge_config consequence_info)
fi
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -print_final_stats=1
done
