"""Sends so many prompts by litellm, so many at a time, and appends every answer to a file as it comes.

python litellm_client.py BASE_URL ROWS CONCURRENCY OUTPUT
"""

import asyncio
import json
import sys

import litellm

base_url, rows, in_flight, output = sys.argv[1:]


async def main() -> None:
    limit = asyncio.Semaphore(int(in_flight))
    with open(output, "a", encoding="utf8") as file:

        async def ask(row: int) -> None:
            async with limit:
                answer = await litellm.acompletion(
                    model="openai/m",
                    api_base=base_url,
                    api_key="sk-bench",
                    messages=[{"role": "user", "content": f"prompt number {row}, with a few words"}],
                )
            file.write(json.dumps({"id": row, "text": answer.choices[0].message.content}) + "\n")
            file.flush()

        await asyncio.gather(*(ask(row) for row in range(int(rows))))


asyncio.run(main())
