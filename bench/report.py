"""One row per result, printed as it comes and written to docs/benchmarks.md."""
from dataclasses import dataclass
from typing import Optional

MET, NOT_MET, PRINTED = "met", "NOT MET", "printed only"


@dataclass
class Row:
    target: str
    question: str
    against: str = ""
    ddd: Optional[float] = None         # milliseconds a call, or what "unit" says
    peer: Optional[float] = None
    ratio: Optional[object] = None      # machine.Ratio
    cpu: Optional[float] = None         # the same ratio of the backends' CPU time
    floor: Optional[float] = None       # SELECT 1 in the same rounds
    limit: str = ""
    mark: str = PRINTED
    unit: str = "ms"


def judge(value, at_most=None, at_least=None):
    """Returns limit and mark of a value."""
    if at_most is not None:
        return f"≤ {at_most:g}", MET if value <= at_most else NOT_MET
    if at_least is not None:
        return f"≥ {at_least:g}", MET if value >= at_least else NOT_MET
    return "", PRINTED


def number(value):
    """Three significant digits, never in scientific notation."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def cells(row):
    unit = "" if row.unit == "ms" else " " + row.unit
    spread = f"{number(row.ratio.low)}–{number(row.ratio.high)}" if row.ratio else ""
    return [row.target, row.question, row.against,
            number(row.ddd) + unit if row.ddd is not None else "",
            number(row.peer) + unit if row.peer is not None else "",
            number(row.ratio.median) if row.ratio else "", spread, number(row.cpu), number(row.floor),
            row.limit, row.mark]


HEAD = ["#", "question", "against", "ddd ms", "peer ms", "ratio", "quartiles", "CPU ratio", "SELECT 1 ms",
        "limit", ""]
WIDTHS = [4, 54, 42, 9, 9, 6, 13, 9, 11, 7, 0]
RIGHT = set(range(3, 9))


def line(texts):
    return " ".join(t.rjust(w) if i in RIGHT else t.ljust(w)
                    for i, (t, w) in enumerate(zip(texts, WIDTHS))).rstrip()


class Report:
    """Collects sections of rows; prints each row when it is added."""

    def __init__(self, heading):
        self.heading = heading      # lines about commit, server, machine, settings
        self.sections = []
        print("\n".join(heading))

    def section(self, title, note=""):
        self.sections.append((title, note, []))
        print(f"\n== {title}" + (f"\n{note}" if note else "") + "\n" + line(HEAD), flush=True)

    def note(self, text):
        title, note, rows = self.sections[-1]
        self.sections[-1] = (title, (note + " " + text).strip(), rows)
        print("   " + text, flush=True)

    def add(self, row):
        self.sections[-1][2].append(row)
        print(line(cells(row)), flush=True)

    def rows(self):
        return [row for _, _, rows in self.sections for row in rows]

    def summary(self):
        rows = self.rows()
        return ", ".join(f"{sum(r.mark == mark for r in rows)} {mark}" for mark in (MET, NOT_MET)) + \
            f", {sum(r.mark not in (MET, NOT_MET) for r in rows)} without a verdict"

    def markdown(self, text):
        """The page: what was measured, how, and every row."""
        def table_line(texts):
            return "| " + " | ".join(t.replace("|", "\\|") for t in texts) + " |"

        page = ["# Benchmarks", "", "Written by `bench/run --write`; not to be edited.", ""]
        page += ["- " + entry for entry in self.heading] + ["", self.summary() + ".", "", text.strip(), ""]
        for title, note, rows in self.sections:
            page += [f"## {title}", ""] + ([note, ""] if note else [])
            page += [table_line(HEAD), "|" + "---|" * 3 + "--:|" * 6 + "---|" * 2]
            page += [table_line(cells(row)) for row in rows] + [""]
        return "\n".join(page)
