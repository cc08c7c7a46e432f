"""What commands show: sentences, tables and JSON on standard output, faults and progress on standard error."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def say(sentence: str) -> None:
    """Tell what was done."""
    click.echo(sentence)


def warn(sentence: str) -> None:
    """Tell what the reader should look at, apart from what programs read."""
    click.echo(sentence, err=True)


def show_json(document: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns; on a terminal to its width, elsewhere without cutting anything."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"reference", "date", "id"})
    for row in rows:
        # Text, not str: what stands in square brackets in a title is no markup of ours.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


def printable(text: str) -> str:
    """Drop what could move the cursor or colour the screen: titles and names come from outside."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def counted(number: int, one: str, several: str | None = None) -> str:
    """Write `1 appeal`, `7 appeals`, `1,000 subscribers`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


@contextmanager
def progress(what: str, *, total: int | None = None) -> Iterator[Progress]:
    """Show a bar (or, without a total, a spinner) on a terminal; nothing where there is none."""
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    ]
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(what, total=total)
        yield bar
