#!/bin/sh
# Registers aws-batch.json and runs it as an array of 8. AWS Batch says to each job how many there are.
# When all have ended: llmx batch merge 'out.*-of-8.jsonl' -o all.jsonl --input prompts.jsonl, on the same EFS.
set -eu
aws batch register-job-definition --cli-input-json "file://$(dirname "$0")/aws-batch.json"
aws batch submit-job --job-name llmx --job-queue "${QUEUE:-llmx}" --job-definition llmx --array-properties size=8
