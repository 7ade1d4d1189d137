# Vouchline. Python 3.11 or newer, make and a shell are all it takes.
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
export PORT

.PHONY: run test test-both test-fast campaigns campaign-samples lint format bench bench-tracing pictures translations docs clean

# The main job with the embedded defaults: SQLite, simulator, demo data. The demo allows calls at
# once and at any hour, so that a newcomer can try the whole journey whatever the time is.
run: .venv/run
	@VOUCHLINE_MIN_NOTICE_MINUTES=$${VOUCHLINE_MIN_NOTICE_MINUTES:-0} \
	VOUCHLINE_CALLING_HOURS=$${VOUCHLINE_CALLING_HOURS:-$${VOUCHLINE_DECENT_HOURS:-00:00-24:00}} \
	exec $(BIN)/flask --app app run-all

test: .venv/test
	$(BIN)/pytest -n auto -m "not campaign" $(ARGS)

# The same, each test on both databases.
test-both: .venv/test
	$(BIN)/pytest -n auto -m "not campaign" --both $(ARGS)

# The long races and fuzzing, whole: once before an issue ends.
campaigns: .venv/test
	$(BIN)/pytest -n auto -m campaign $(ARGS)

# Those of the campaigns, with fixed seeds, that every change has to pass.
campaign-samples: .venv/test
	$(BIN)/pytest -n auto -m "campaign and not long" $(ARGS)

# Without the long races and the browser.
test-fast: .venv/test
	$(BIN)/pytest -n auto -m "not campaign and not browser" $(ARGS)

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.drift
	$(BIN)/python -m bench.house
	$(BIN)/python -m tests.manual.vocabulary
	$(BIN)/mkdocs build

# The manual, into build/manual; fails on a broken link or anchor.
docs: .venv/test
	$(BIN)/mkdocs build

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/test
	$(BIN)/python -m bench $(ARGS)

# Leaks at simulated companies, traced; figures and pictures go into docs.
bench-tracing: .venv/test
	$(BIN)/python -m bench.leak_tracing $(ARGS)

# The pictures of the README, taken from the real pages.
pictures: .venv/test
	$(BIN)/python -m tests.pictures

# Gathers the texts of pages and messages again and compiles the catalogues.
translations: .venv/test
	$(BIN)/pybabel -q extract -F languages/babel.cfg -o languages/messages.pot --no-location --sort-output .
	$(BIN)/pybabel -q update -i languages/messages.pot -d languages --no-fuzzy-matching
	$(BIN)/pybabel -q compile -d languages

.venv/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Vouchline needs Python 3.11 or newer: make run PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: .venv/run tests/requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -r tests/requirements.txt
	@touch $@

clean:
	rm -rf .venv instance build
