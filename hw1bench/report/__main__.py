"""``python -m hw1bench.report``: write claims.schema.json anew from the types in ``hw1bench.report.schema``."""

from hw1bench.report import schema
from hw1bench.support.files import write_whole

write_whole(schema.FILE, schema.text().encode())
