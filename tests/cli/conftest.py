import sys
from dataclasses import dataclass

import pytest

from newsletter import cli


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in this process, as `newsletter` would, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in __import__("os").environ if name.startswith("NEWSLETTER_")]:
        monkeypatch.delenv(variable)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["newsletter", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Said(ended.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def ready(run, monkeypatch):
    """The same, after `newsletter init`, where one person may do it all."""
    assert run("init").status == 0
    monkeypatch.setenv("NEWSLETTER_SECOND_LOOK", "false")
    return run
