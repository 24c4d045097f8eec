#!/bin/bash
# Runs varisk over the nodes of a SLURM cluster: plans shards here, submits one job array for them and one
# job that merges them and makes the report. Give the same command again after a failure: only shards that
# are not there yet are submitted, and unfinished ones go on from their last saved state.
# 'varisk-submit.sh --help' says how; README.md says more.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'TEXT'
varisk-submit.sh --work FOLDER --shards N [OPTION]... -- FLAGS OF VARISK...

  --work FOLDER            folder of this analysis, seen by all nodes: plan, shards, logs, report
  --shards N               how many jobs, for each group of patients (--plan-option --patient-groups=M)
  --verb run|prs|score     what to run [run]
  --threads N              threads and processors of a shard [2]
  --at-once N              shards that run at the same time, at most [all]
  --memory-factor F        memory asked for, as a multiple of what the plan expects [1.5]
  --time-factor F          time asked for, as a multiple of what the plan expects [3]
  --memory MIB, --minutes M
                           what a shard asks for, whatever the plan expects
  --merge-memory MIB       memory of the job that merges [4096]
  --merge-minutes M        its time [120]
  --plan-option OPTION     option of 'varisk plan', such as --balance=records; repeatable
  --run-option OPTION      option of the shards that the plan does not need, such as --device=cuda; repeatable
  --report-option OPTION   option of 'varisk report', such as --format=html,multiqc; repeatable
  --sbatch OPTION          option of sbatch for the shards only, such as --gres=gpu:1; repeatable
  --scratch                unfinished output on the node's disk ($TMPDIR)
  --plan-only              plan, say what would be submitted, submit nothing

Account, partition and quality of service of all jobs are those that sbatch reads from SBATCH_ACCOUNT,
SBATCH_PARTITION and SBATCH_QOS.
TEXT
}

say() { echo "varisk-submit: $*" >&2; }
fail() { local code=$1; shift; say "$*"; exit "$code"; }

work='' shards='' verb=run threads=2 at_once='' memory_factor=1.5 time_factor=3 memory='' minutes=''
merge_memory=4096 merge_minutes=120 scratch=no submit=yes
plan_options=() run_options=() report_options=() sbatch_options=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --scratch) scratch=yes; shift; continue ;;
        --plan-only) submit=no; shift; continue ;;
        --) shift; break ;;
    esac
    [ $# -ge 2 ] || fail 64 "$1 needs a value; see --help"
    case $1 in
        --work) work=$2 ;;
        --shards) shards=$2 ;;
        --verb) verb=$2 ;;
        --threads) threads=$2 ;;
        --at-once) at_once=$2 ;;
        --memory-factor) memory_factor=$2 ;;
        --time-factor) time_factor=$2 ;;
        --memory) memory=$2 ;;
        --minutes) minutes=$2 ;;
        --merge-memory) merge_memory=$2 ;;
        --merge-minutes) merge_minutes=$2 ;;
        --plan-option) plan_options+=("$2") ;;
        --run-option) run_options+=("$2") ;;
        --report-option) report_options+=("$2") ;;
        --sbatch) sbatch_options+=("$2") ;;
        *) fail 64 "$1 is not an option of varisk-submit.sh; flags of varisk come after --" ;;
    esac
    shift 2
done
[ -n "$work" ] || fail 64 "--work is missing; see --help"
[ -n "$shards" ] || fail 64 "--shards is missing; see --help"
[ $# -gt 0 ] || fail 64 "flags of varisk are missing; they come after --"
case $verb in
    run | prs | score) ;;
    *) fail 64 "--verb is run, prs or score" ;;
esac
for number in "$shards" "$threads" "${at_once:-1}" "${memory:-1}" "${minutes:-1}" "$merge_memory" "$merge_minutes"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || fail 64 "$number is not a whole number above 0"
done
for number in "$memory_factor" "$time_factor"; do
    [[ $number =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail 64 "$number is not a number"
done
command -v varisk >/dev/null || fail 69 "varisk is not on PATH"
[ $submit = no ] || command -v sbatch >/dev/null || fail 69 "sbatch is not on PATH; submit where SLURM's programs are"
[ ! -e "$work/report" ] || fail 73 "$work/report is there already; name another --work, or remove that folder to merge again"

# The plan is made once: shards that are done belong to it.
mkdir -p "$work/logs" "$work/shards"
if [ ! -e "$work/plan" ]; then
    echo "$shards" >"$work/logs/shards"
    varisk plan "$@" --verb "$verb" --threads "$threads" --shards "$shards" "${plan_options[@]}" --output "$work/plan"
elif [ "$(cat "$work/logs/shards" 2>/dev/null)" != "$shards" ]; then
    fail 73 "$work was planned with another number of shards; give that number, or name another --work"
fi

# Two jobs must not write one shard.
if [ $submit = yes ] && [ -s "$work/logs/jobs" ]; then
    running=$(squeue --noheader --format=%A --jobs="$(cat "$work/logs/jobs")" 2>/dev/null || true)
    [ -z "$running" ] || fail 73 "jobs of $work are still in the queue; wait for them, or cancel them: scancel $(tr , ' ' <"$work/logs/jobs")"
fi

# column NAME: its values, a line for each shard.
column() {
    awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$work/plan/shards.tsv"
}
# greatest NAME: the greatest value of a column; nothing where the plan does not know it.
greatest() { column "$1" | sort -g | tail -n 1; }

missing=()
for shard in $(column shard); do
    [ -e "$work/shards/$shard" ] || missing+=("$shard")
done

# All tasks of an array ask for the same: what the greatest shard needs, and room.
if [ -z "$memory" ]; then
    expected=$(greatest memory_mib)
    # The plan was made on the processor; CUDA takes memory of its own.
    case " ${run_options[*]} " in
        *' --device=cpu '* | *' --device cpu '*) card=0 ;;
        *' --device'*) card=1024 ;;
        *) card=0 ;;
    esac
    memory=$(awk -v x="${expected:-4096}" -v f="$memory_factor" -v c=$card 'BEGIN { printf "%d", x * f + 128 + c }')
fi
if [ -z "$minutes" ]; then
    expected=$(greatest seconds)
    minutes=$(awk -v x="${expected:-7200}" -v f="$time_factor" 'BEGIN { printf "%d", x * f / 60 + 10 }')
fi

say "${#missing[@]} of $(column shard | wc -l) shards to run, each with $threads processors, $memory MiB and $minutes minutes"
if [ $submit = no ]; then exit 0; fi

array=''
if [ ${#missing[@]} -gt 0 ]; then
    tasks=$(IFS=,; echo "${missing[*]}")
    # A list of all shards is long; an unbroken one has a short form.
    if [ ${#missing[@]} -eq "$(column shard | wc -l)" ]; then tasks=1-${#missing[@]}; fi
    array=$(sbatch --parsable --array="$tasks${at_once:+%$at_once}" --cpus-per-task="$threads" --mem="${memory}M" \
        --time="$minutes" --output="$work/logs/shard-%a.log" "${sbatch_options[@]}" \
        "$here/varisk-array.sbatch" "$verb" "$work" "$scratch" "$@" --threads "$threads" "${run_options[@]}")
    array=${array%%;*}
    say "shards: job array $array"
fi
merge=$(sbatch --parsable ${array:+--dependency=afterok:$array --kill-on-invalid-dep=yes} --mem="${merge_memory}M" \
    --time="$merge_minutes" --output="$work/logs/merge.log" "$here/varisk-merge.sbatch" "$verb" "$work" "${report_options[@]}")
merge=${merge%%;*}
say "merge and report: job $merge"
echo "${array:+$array,}$merge" >"$work/logs/jobs"
say "the report comes to $work/report and $work/report.pages; see how it goes with: squeue --jobs=${array:+$array,}$merge"
# For scripts: what to wait for.
echo "$merge"
