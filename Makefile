# Two commands on a fresh machine: `make run` and `make test`. Each makes .venv and installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests start hundreds of processes; without bytecode each of them would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE
# Installing again is needed when the project's own list of packages changes, and not otherwise.
INSTALLED := $(VENV)/installed
TESTABLE := $(VENV)/testable

.PHONY: run test quick later pages fast lint format structure bench docs train-builtin eval-builtin clean

run: $(INSTALLED)
	$(BIN)/audio-playground serve $(ARGS)

# Three lanes at once, so that both of two cores are busy until the end. What drives a browser runs one test at a time and
# comes first: a page may not be late for reasons that are none of its own. It waits often, for the sound's own time or an
# answer. What it leaves goes to the tests of clusters and of two pages without sound, one at a time, which are over well
# before it. The quick tests run two at a time at the lowest priority: they take whatever is left, to the last. The shell
# starts the lanes: GNU Make 4.3 under another's -j was seen to run them one after another. What the last two print is
# shown in one piece at the end of each, so that it does not mix with the lines of the first.
QUICK := tests --ignore=tests/browser --ignore=tests/cluster
SILENT := tests/browser/test_library_page.py tests/browser/test_models_page.py
PAGES_LANE = $(BIN)/python -m pytest tests/browser $(SILENT:%=--ignore=%) $(ARGS)
LATER_LANE = nice -n 5 $(BIN)/python -m pytest tests/cluster $(SILENT) $(ARGS) \
  > $(VENV)/later-tests.log 2>&1; status=$$?; cat $(VENV)/later-tests.log; exit $$status
QUICK_LANE = nice -n 19 $(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK) --cov --cov-fail-under=95 $(ARGS) \
  > $(VENV)/quick-tests.log 2>&1; status=$$?; cat $(VENV)/quick-tests.log; exit $$status

test: $(TESTABLE) browser
	@($(QUICK_LANE)) & quick=$$!; ($(LATER_LANE)) & later=$$!; status=0; $(PAGES_LANE) || status=1; \
	  wait $$later || status=1; wait $$quick || status=1; exit $$status

pages: $(TESTABLE) browser
	$(PAGES_LANE)

later: $(TESTABLE) browser
	@$(LATER_LANE)

quick: $(TESTABLE)
	@$(QUICK_LANE)

# Without browser, cluster and training, and without the tests that compute for two seconds or more.
fast: $(TESTABLE)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK) --ignore=tests/assets -m "not long" $(ARGS)

# The gate starts it together with the tests, which come first.
lint: $(TESTABLE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	nice -n 10 $(BIN)/mypy

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
	$(BIN)/python -m benchmarks.bench_speech
	$(BIN)/python -m benchmarks.bench_fades
	$(BIN)/python -m benchmarks.bench_absent

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

# Of all that is installed the tests import a quarter, which Python compiles then.
$(TESTABLE): pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-compile -e ".[test]"
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
