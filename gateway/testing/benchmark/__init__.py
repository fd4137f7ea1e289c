"""A benchmark for the classification of columns: forty labelled tables, four domains, many traps.

`tables(seed)` yields them, `hidden.hidden(seed)` columns that hide identifiers under harmless names. Names are Chinese, pinyin, pinyin initials, English, abbreviated and
meaningless; 5 to 30 % of the cells of each column are spoilt; every column has a gold entity and a
gold role, or none where unknown is the right answer. The generator knows nothing of the classifier:
neither its words nor its check digits. Nothing here comes from a person.
"""

from gateway.testing.benchmark.build import ROWS, LabelledColumn, LabelledTable, tables
from gateway.testing.benchmark.kinds import KINDS
from gateway.testing.benchmark.naming import NAMING_STYLES, NamingStyle
from gateway.testing.benchmark.plans import DOMAINS, Domain
from gateway.testing.benchmark.split import SPLITS, Split

__all__ = [
    "DOMAINS",
    "KINDS",
    "NAMING_STYLES",
    "ROWS",
    "SPLITS",
    "Domain",
    "LabelledColumn",
    "LabelledTable",
    "NamingStyle",
    "Split",
    "tables",
]
