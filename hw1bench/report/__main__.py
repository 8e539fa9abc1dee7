"""``python -m hw1bench.report``: write claims.schema.json anew from the types in `hw1bench.report.schema`."""

from hw1bench.files import replace
from hw1bench.report import schema

replace(schema.FILE, schema.text().encode())
