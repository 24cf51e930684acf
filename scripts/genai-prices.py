"""Writes scripts/genai-prices.jsonl, the first source of prices.csv, from the PyPI package genai-prices.

    pip download --no-deps --only-binary :all: genai-prices==VERSION
    python3 scripts/genai-prices.py genai_prices-VERSION-py3-none-any.whl DAY >scripts/genai-prices.jsonl

DAY is when that version was published; it needs pydantic. The npm package of the same project is older and says less.
"""

import dataclasses
import datetime
import decimal
import json
import re
import sys
import tempfile
import types
import zipfile

# The package's provider ids of scripts/price-sources.ts.
providers = "anthropic cerebras deepseek fireworks google groq mistral moonshotai openai openrouter perplexity together x-ai zai"
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


def main(wheel, day):
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        # Only the data is wanted: the package itself would import a client for its updates.
        package = types.ModuleType("genai_prices")
        package.__path__ = [f"{folder}/genai_prices"]
        sys.modules["genai_prices"] = package
        sys.path.insert(0, folder)
        from genai_prices import data

        version = re.search(r"genai_prices-([\d.]+)-", wheel).group(1)
        print(json.dumps({"source": f"genai-prices {version}", "date": day}))
        for provider in data.providers:
            if provider.id in providers.split():
                for model in provider.models:
                    print(json.dumps({"provider": provider.id, **plain(model)}, separators=(",", ":")))


main(*sys.argv[1:])
