# Two commands on a fresh machine: `make run` and `make test`. Each makes .venv and installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests start hundreds of processes; without bytecode each of them would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE
# Installing again is needed when the project's own list of packages changes, and not otherwise.
INSTALLED := $(VENV)/installed
TESTABLE := $(VENV)/testable

.PHONY: run test quick later beside pages fast lint format structure bench docs train-builtin eval-builtin clean

run: $(INSTALLED)
	$(BIN)/audio-playground serve $(ARGS)

# What drives a browser runs one test at a time and comes first: a page may not be late for reasons that are none of its
# own. It waits often, for the sound's own time or an answer, and leaves half of two cores free. There the quick tests
# run, two at a time, at the lowest priority. After them come, one at a time, those of clusters of processes and of two
# pages without sound, so that both halves end together.
QUICK := tests --ignore=tests/browser --ignore=tests/cluster
SILENT := tests/browser/test_library_page.py tests/browser/test_models_page.py
test: $(TESTABLE) browser
	@$(MAKE) --no-print-directory -j2 beside pages

# What it prints is shown in one piece at its end, so that it does not mix with the lines of the other tests.
quick: $(TESTABLE)
	@nice -n 19 $(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK) --cov --cov-fail-under=95 $(ARGS) \
	  > $(VENV)/quick-tests.log 2>&1; status=$$?; cat $(VENV)/quick-tests.log; exit $$status

# They wait for processes and answers, which may take their time, and give way to the other pages.
later: $(TESTABLE) browser
	@nice -n 5 $(BIN)/python -m pytest tests/cluster $(SILENT) $(ARGS) \
	  > $(VENV)/later-tests.log 2>&1; status=$$?; cat $(VENV)/later-tests.log; exit $$status

# What runs beside the pages with sound: both in any case, so that one failure does not hide another.
beside:
	@status=0; for tests in quick later; do $(MAKE) --no-print-directory $$tests || status=1; done; exit $$status

pages: $(TESTABLE) browser
	$(BIN)/python -m pytest tests/browser $(SILENT:%=--ignore=%) $(ARGS)

# Without browser, cluster and training.
fast: $(TESTABLE)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK) --ignore=tests/assets $(ARGS)

lint: $(TESTABLE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TESTABLE)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The rooms of the house, their floors, and every arrow that points up.
structure: $(VENV)/bin/python
	$(BIN)/python -m tests.support.structure

bench: $(TESTABLE)
	$(BIN)/python -m benchmarks.bench_builtin
	$(BIN)/python -m benchmarks.bench_demucs
	$(BIN)/python -m benchmarks.bench_sam
	$(BIN)/python -m benchmarks.bench_fades

docs: $(VENV)/bin/python
	$(BIN)/pip install --quiet -e ".[docs]"
	$(BIN)/mkdocs build --strict

# The built-in separator's network: sounds are fetched, stems rendered and the network trained in the background's own
# folder (~/.cache/audio-playground-training). It may be stopped at any moment and goes on where it was.
MINUTES ?= 180
train-builtin: training-tools
	OMP_NUM_THREADS=1 $(BIN)/python -m assets.builtin.training.rendering test --songs 64 --voices 64
	OMP_NUM_THREADS=1 $(BIN)/python -m assets.builtin.training.rendering train --songs 2000 --voices 700
	OMP_WAIT_POLICY=passive nice -n 19 $(BIN)/python -u -m assets.builtin.training.train --minutes $(MINUTES) \
	  --cooldown-minutes 30 $(ARGS)

eval-builtin: training-tools
	$(BIN)/python -m assets.builtin.training.evaluating $(ARGS)
	$(BIN)/python -m assets.builtin.training.exporting

.PHONY: training-tools
training-tools: $(INSTALLED)
	$(BIN)/pip install --quiet -e ".[training]"
	@for tool in fluidsynth espeak-ng flite; do \
	  command -v $$tool >/dev/null || { echo "Training needs $$tool (apt-get install fluidsynth espeak-ng flite)."; exit 1; }; \
	done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet -e .
	touch $@

$(TESTABLE): pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet -e ".[test]"
	touch $(INSTALLED) $@

# The page tests drive a real browser. On Debian it is installed if it is missing; elsewhere the tests say so.
.PHONY: browser
browser:
	@if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then \
	  if command -v apt-get >/dev/null; then \
	    SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium chromium-driver; \
	  else echo "The page tests need chromium and chromedriver on the PATH."; fi; \
	fi

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .coverage build dist
