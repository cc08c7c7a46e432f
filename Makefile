# make demo   the whole thing on this machine        make check  format, lint, types, catalogues
# make test   every test                             make pictures  the digest as PNGs, to be looked at
# make bench  how fast it sends, beside others         make faults    every way of breaking it, some 40 minutes
# make year   a year of a newsletter with 5,000 people in twenty time zones, some three minutes
# Each sets up what it needs: a .venv, the pinned packages and, for tests and as root, Debian's packages.

VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check year faults bench bench-memory bench-pages bench-appeals bench-planning bench-alert pictures wheel clean
.DEFAULT_GOAL := demo

demo: $(VENV)/runtime.ready
	@$(BIN)/newsletter demo

test: $(VENV)/development.ready
	@tools/prepare system
	@$(BIN)/python -m compileall -q newsletter subscribers tests tools # else each command that a test starts may do it
	$(BIN)/pytest -n 2 --dist loadfile $(PYTEST)

check: $(VENV)/development.ready $(VENV)/mail_support.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q -p no:randomly tests/test_languages.py
	$(BIN)/python -m tools.mail_support

pictures: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tools.pictures pictures

year: $(VENV)/development.ready
	@tools/prepare system
	WHOLE_YEAR=1 $(BIN)/pytest -p no:randomly tests/scenarios/test_a_year.py

faults: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tests.faults $(FAULTS)

bench: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tools.bench --only speed $(BENCH)

bench-memory: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tools.bench --only memory $(BENCH)

bench-pages: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tools.bench --only pages $(BENCH)

bench-appeals: $(VENV)/development.ready
	$(BIN)/python -m tools.bench --only appeals $(BENCH)

bench-planning: $(VENV)/development.ready
	$(BIN)/python -m tools.bench --only planning $(BENCH)

bench-alert: $(VENV)/development.ready
	@tools/prepare system
	$(BIN)/python -m tools.bench --only alert $(BENCH)

wheel: $(VENV)/development.ready
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) dist build pictures .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/runtime.ready: pyproject.toml constraints.txt
	@tools/prepare runtime

$(VENV)/mail_support.ready: tools/mail_support/package.json $(VENV)/development.ready
	@tools/prepare mail-support

$(VENV)/development.ready: pyproject.toml constraints.txt
	@tools/prepare development
