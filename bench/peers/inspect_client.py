"""Evaluates so many prompts by inspect, so many at a time; answers are in its own log.

python inspect_client.py BASE_URL ROWS CONCURRENCY LOG_FOLDER
"""

import sys

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.solver import generate

base_url, rows, in_flight, logs = sys.argv[1:]
samples = [Sample(id=row, input=f"prompt number {row}, with a few words") for row in range(int(rows))]
config = GenerateConfig(max_connections=int(in_flight))
model = get_model("openai-api/bench/m", base_url=base_url, api_key="sk-bench", config=config)
[log] = eval(
    Task(dataset=MemoryDataset(samples), solver=generate()),
    model=model,
    max_samples=int(in_flight),
    log_dir=logs,
    display="none",
)
sys.exit(0 if log.status == "success" else 1)
