"""Rows of a table as they close, each long before the answer ends; the model is held to a JSON schema."""

import asyncio

from rxllm import Model
from rxllm import operators as ops

ROW = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "size": {"type": "integer"}},
    "required": ["name", "size"],
}
TABLE = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": ROW, "minItems": 3, "maxItems": 3}},
    "required": ["rows"],
}


async def main() -> None:
    async with Model("local", seed=2) as model:
        stream = model.stream(
            "List three animals.",
            response_format={"type": "json_schema", "json_schema": {"name": "table", "schema": TABLE}},
            max_tokens=200,
        )
        stream.pipe(ops.json_values("$.rows[*]")).subscribe(
            lambda row: print(f"row {row.place[-1]}: {row.value}"),
            on_error=lambda error: print("no table:", error),
            on_completed=lambda: print("the table is complete"),
        )
        await stream


if __name__ == "__main__":
    asyncio.run(main())
