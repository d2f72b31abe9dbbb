"""The tables of docs/interop.md. A cell says that something works only if a test of this run saw it work."""

import re
from dataclasses import dataclass

TABLES = []


@dataclass(frozen=True)
class Cannot:
    """Why the peer can't do something, in words; and what the failed attempt shows, as a regular expression."""

    reason: str
    shows: str


class Table:
    """Rows and columns of one peer; every cell is a test."""

    def __init__(self, peer, title, heads, columns, note=""):
        self.peer, self.title, self.heads, self.columns, self.note = peer, title, heads, columns, note
        self.cells = {}
        TABLES.append(self)

    def test(self, test_class, row, column, attempt, cannot=None):
        """Adds a test to the class: `attempt(test)` succeeds, or fails as `cannot` says."""
        self.cells[row, column] = None

        def run(test):
            if cannot is None:
                attempt(test)
                self.cells[row, column] = "works"
                return
            try:
                attempt(test)
            except Exception as error:  # The peer fails in its own ways; what it shows is compared.
                shown = f"{type(error).__name__}: {error}"
                if not re.search(cannot.shows, shown):
                    raise AssertionError(f"the peer failed otherwise than by {cannot.shows!r}") from error
                self.cells[row, column] = cannot.reason
                return
            test.fail(f"the peer can do this, and the table would say: {cannot.reason}")

        name = re.sub(r"\W+", "_", " ".join([self.title, *row, column])).lower()
        setattr(test_class, f"test_{name}", run)

    def as_data(self):
        return {
            "peer": self.peer, "title": self.title, "heads": self.heads, "columns": self.columns, "note": self.note,
            "cells": [[list(row), column, outcome] for (row, column), outcome in self.cells.items()],
        }


def markdown(table):
    """One table, from what `as_data` gave. Reasons stand below it, by number."""
    rows, reasons = {}, []
    for row, column, outcome in table["cells"]:
        rows.setdefault(tuple(row), {})[column] = outcome
    lines = [f"### {table['title']}", ""]
    if table["note"]:
        lines += [table["note"], ""]
    lines.append("| " + " | ".join([*table["heads"], *table["columns"]]) + " |")
    lines.append("|" + "---|" * (len(table["heads"]) + len(table["columns"])))
    for row, outcomes in rows.items():
        cells = []
        for column in table["columns"]:
            outcome = outcomes.get(column, "")
            if outcome not in ("", "works"):
                if outcome not in reasons:
                    reasons.append(outcome)
                outcome = f"can't ({reasons.index(outcome) + 1})"
            cells.append(outcome)
        lines.append("| " + " | ".join([*row, *cells]) + " |")
    lines.append("")
    lines += [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join(lines).rstrip() + "\n"
