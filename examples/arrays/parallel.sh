#!/bin/sh
# 8 processes under GNU parallel, on this machine or, with --sshlogin, on several with a shared folder.
# The same command again starts what has failed (--resume-failed), and llmx sends what is missing.
set -u
cd "${DATA:-.}" || exit 2
export MODEL="${MODEL:-gpt-4.1-mini}"
parallel --jobs 8 --joblog parallel.log --resume-failed --retries 3 --env MODEL \
	'LLMX_HOME="$PWD/home/$PARALLEL_SEQ" llmx batch prompts.jsonl -m "$MODEL" --shard auto --shards 8 \
		-o out.jsonl --summary-json summary.json --max-tokens 500 --yes --quiet' ::: 1 2 3 4 5 6 7 8
llmx batch merge 'out.*-of-8.jsonl' -o all.jsonl --input prompts.jsonl --summary-json summary.json --report
