#!/bin/sh
# A shard without a shared volume: fetches what an earlier try has left in the store, runs, and brings what it writes
# there every minute and at its end. A task that is killed has lost the answers of its last minute: they are paid twice.
#   STORE=s3://bucket/run SHARDS=8 object-store.sh prompts.jsonl -m gpt-4.1-mini --max-tokens 500
# The index is that of the job array. For another store, replace `fetch` and `keep`: gcloud storage rsync, rclone copy.
# Afterwards: aws s3 sync "$STORE/shards" shards && llmx batch merge 'shards/*/out/*-of-8.jsonl' -o all.jsonl
set -u
: "${STORE:?}" "${SHARDS:?}"
WORK="${WORK:-/tmp/llmx}"
index="${JOB_COMPLETION_INDEX:-${SLURM_ARRAY_TASK_ID:-${AWS_BATCH_JOB_ARRAY_INDEX:?}}}"
fetch() { aws s3 sync "$STORE/$1" "$WORK/$2" --only-show-errors; }
# Locks belong to this machine, and the cache is made anew.
keep() { aws s3 sync "$WORK" "$STORE/shards/$index" --exclude '*.lock' --exclude '*cache*' --exclude 'input/*' --only-show-errors; }

prompts="$1"
shift
export LLMX_HOME="$WORK/home"
mkdir -p "$WORK/out"
fetch input input || exit 5
# Without what was answered before, all of it would be paid for again.
fetch "shards/$index" . || exit 5

llmx batch "$WORK/input/$prompts" --shard auto --shards "$SHARDS" -o "$WORK/out/results.jsonl" \
	--summary-json "$WORK/out/summary.json" --yes "$@" &
run=$!
trap 'kill -TERM "$run"' TERM INT
(
	while sleep "${EVERY:-60}"; do keep; done
) &
copier=$!
# A signal ends the wait, and not what is waited for.
while wait "$run"; code=$?; kill -0 "$run" 2>/dev/null; do :; done
kill "$copier"
keep || exit 5
exit "$code"
