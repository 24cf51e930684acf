"""Writes the two sources of prices.csv that stand beside this script from packages of PyPI.

    pip download --no-deps --only-binary :all: genai-prices litellm
    python3 scripts/price-snapshots.py genai_prices-VERSION-py3-none-any.whl DAY >scripts/genai-prices.jsonl
    python3 scripts/price-snapshots.py litellm-VERSION-PLATFORM.whl DAY >scripts/litellm-prices.csv

DAY is when that version was published. The first needs pydantic, which genai-prices is made with. Its npm package is
months older and lacks the prices of batch jobs, tiers and searches.
"""

import csv
import dataclasses
import datetime
import decimal
import json
import re
import sys
import tempfile
import types
import zipfile

# The package's ids of the providers in scripts/price-sources.ts.
genai_providers = set(
    "anthropic cerebras deepseek fireworks google groq mistral moonshotai openai openrouter perplexity together"
    " x-ai zai".split()
)
left_out = {"name", "description", "price_comments", "deprecated"}


def plain(value):
    """The value in the form of the npm package's data."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None and key not in left_out}
    if dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
        fields = {key.rstrip("_"): item for key, item in vars(value).items()}
        if type(value).__name__.endswith("Constraint"):
            fields["type"] = "start_date" if "start_date" in fields else "time_of_date"
        return plain(fields)
    return value


def genai(wheel, version, day):
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        # Only the data is wanted: the package itself would import a client for its updates.
        package = types.ModuleType("genai_prices")
        package.__path__ = [f"{folder}/genai_prices"]
        sys.modules["genai_prices"] = package
        from genai_prices import data

        print(json.dumps({"source": f"genai-prices {version}", "date": day}, separators=(",", ":")))
        for provider in data.providers:
            if provider.id in genai_providers:
                for model in provider.models:
                    print(json.dumps({"provider": provider.id, **plain(model)}, separators=(",", ":")))


# LiteLLM's providers to those of the registry.
litellm_providers = {
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshot",
    "openai": "openai",
    "sambanova": "sambanova",
    "together_ai": "together",
    "xai": "xai",
    "zai": "zai",
}
# Our columns to LiteLLM's fields for a token.
per_token = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "batch_input": "input_cost_per_token_batches",
    "batch_output": "output_cost_per_token_batches",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
}


def litellm(wheel, version, day):
    archive = zipfile.ZipFile(wheel)
    models = json.loads(archive.read("litellm/model_prices_and_context_window_backup.json"))
    columns = [*per_token, "priority", "context_window", "max_output", "above_input_tokens", "endpoint", "retired"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["provider", "model", *columns, "source", "date"])
    for name, model in sorted(models.items()):
        provider = litellm_providers.get(model.get("litellm_provider"))
        if provider is None or model.get("mode") not in ("chat", "responses"):
            continue
        starts = {int(k) * 1000 for key in model for k in re.findall(r"^input_cost_per_token_above_(\d+)k_tokens$", key)}
        for start in [0, *sorted(starts)]:
            suffix = f"_above_{start // 1000}k_tokens" if start else ""

            def price(field):
                batches = field.endswith("_batches")
                above = field.removesuffix("_batches") + suffix + ("_batches" if batches else "")
                usd = model.get(above, model.get(field))
                return usd if usd is None else float(f"{usd * 1e6:.12g}")

            figures = [price(field) for field in per_token.values()]
            priority = model.get("input_cost_per_token_priority")
            ordinary = model.get("input_cost_per_token")
            row = [
                *figures,
                float(f"{priority / ordinary:.6g}") if priority and ordinary else None,
                model.get("max_input_tokens"),
                model.get("max_output_tokens"),
                start or None,
                "responses" if model["mode"] == "responses" else None,
                model.get("deprecation_date"),
            ]
            shown = [f"{figure:g}" if isinstance(figure, float) else figure for figure in row]
            writer.writerow([provider, name.split("/", 1)[1] if "/" in name else name, *shown, f"litellm {version}", day])


def main(wheel, day):
    name, version = re.search(r"(genai_prices|litellm)-([\d.]+)-", wheel).groups()
    (genai if name == "genai_prices" else litellm)(wheel, version, day)


main(*sys.argv[1:])
