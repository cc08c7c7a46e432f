"""The wheel alone, in an empty folder and an environment of its own, shows the whole thing."""

import re
import signal
import subprocess
import sys
import sysconfig
import venv
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The command, from a wheel in an environment that has its dependencies and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    paths = [sysconfig.get_paths(vars={"base": str(folder / "env")})["purelib"]]
    # The dependencies are the ones that are here already; the program itself must come from the wheel.
    there = Path(paths[0])
    for package in Path(sysconfig.get_paths()["purelib"]).iterdir():
        # What of the program is here must not be there as a link: pip would write the wheel's files through it.
        ours = "solidarity_newsletter" in package.name or package.name in {"newsletter", "subscribers"}
        if not ours and not (there / package.name).exists():
            (there / package.name).symlink_to(package)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "env" / "bin" / "newsletter"


@contextmanager
def demo_of(command: Path, folder: Path):
    """Start the demo in an empty folder; gives what it printed until it was ready."""
    arguments = [command, "demo", "--port", "0"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}
    with subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        try:
            yield demo, said
        finally:
            if demo.poll() is None:
                demo.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_the_wheel_alone_shows_a_digest_in_an_inbox_and_leaves_nothing_behind(installed, tmp_path, end):
    with demo_of(installed, tmp_path) as (demo, said):
        base_url = re.search(r"(http://127\.0\.0\.1:\d+)/inbox/", said)[1]
        config = Path(re.search(r"--config (\S+)", said)[1])
        with httpx.Client(base_url=base_url, trust_env=False) as browser:
            inbox = browser.get("/inbox/")
            numbers = re.findall(r'href="/inbox/(\d+)"', inbox.text)
            assert len(numbers) >= 8
            languages = {browser.get(f"/inbox/{n}").text.partition('<h1 lang="')[2][:2] for n in numbers}
            assert {"en", "es", "ar", "tr"} <= languages
            html = browser.get(f"/inbox/{numbers[0]}/html")
            assert "sandbox" in html.headers["content-security-policy"]
            source = browser.get(f"/inbox/{numbers[0]}/source").text
            way_out = re.search(r"List-Unsubscribe: <(http[^>]+)>", source)[1]
            assert browser.get(way_out).status_code == 200
            assert browser.post(way_out, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        # What it says to try next works, from the wheel as well.
        for command in re.findall(r"^  \S*newsletter (--config .+)$", said, re.MULTILINE):
            done = subprocess.run(
                [installed, *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        left = subprocess.run(
            [installed, "--config", config, "subscriber", "list", "--status", "left", "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert left.stdout.count('"email"') == 1
        demo.send_signal(end)
        rest = demo.stdout.read()
        assert demo.wait(timeout=30) == 0, rest
    assert not config.parent.exists()
    assert "Traceback" not in rest
