"""Shows what came of looking mails over, and asks whether what they lead to is there."""

from collections.abc import Sequence

from newsletter.cli.screen import counted, printable, say, warn
from newsletter.delivery.preflight import Looked
from newsletter.editions.preflight import Finding, Level, errors_of
from newsletter.wiring import Parts


def with_dead_links(looked: Looked, parts: Parts) -> list[Finding]:
    """Add what is found by asking for each address; nothing of that stops a launch."""
    dead = parts.dead_links().find(looked.links.keys())
    lost = len(dead) == len(looked.links) > 1
    if lost:
        words = f"none of {len(dead)} links could be asked for: is this machine online?"
        return [*looked.findings, Finding(level=Level.WARNING, check="dead-link", where="links", words=words)]
    return [
        *looked.findings,
        *(
            Finding(level=Level.WARNING, check="dead-link", where=looked.links[link], words=f"{link} {wrong}")
            for link, wrong in dead.items()
        ),
    ]


def tell_findings(findings: Sequence[Finding], *, quiet: bool = False) -> None:
    """Show them, errors first; where there are none, say so, unless it is to be quiet about that."""
    for finding in sorted(findings):
        (warn if finding.level is Level.ERROR else say)(
            printable(f"{finding.level}: {finding.where}: {finding.words} [{finding.check}]")
        )
    if not quiet:
        errors = len(errors_of(findings))
        warnings = len(findings) - errors
        say(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}." if findings else "Nothing to mend.")


def findings_document(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Give them for programs."""
    return [
        {"level": each.level.value, "check": each.check, "where": each.where, "words": each.words}
        for each in sorted(findings)
    ]
