# One command a job; every job sets up what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check format audit licences bench soak clean

run: $(VENV)/app.stamp
	$(BIN)/streamlit run app.py

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit: $(VENV)/dev.stamp
	$(BIN)/pip-audit -r requirements.txt

# What the app's packages and theirs may be used for, as their own metadata say.
licences: $(VENV)/dev.stamp
	$(PYTHON) -m venv $(VENV)/licences
	$(VENV)/licences/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip-licenses --python=$(VENV)/licences/bin/python --from=mixed --format=markdown \
		--output-file=docs/licences.md
	rm -rf $(VENV)/licences

# Some hours on a machine that does nothing else; results are kept in benchmarks/results.
bench: $(VENV)/dev.stamp
	taskset -c 0 $(BIN)/python -m benchmarks.latency core
	$(BIN)/python -m benchmarks.latency browser
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.two_copies
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python -m benchmarks.fuzz
	$(BIN)/python -m benchmarks.fuzz --guided 60

# Draws, readings, joins and trainings at once, with kills; nothing may be lost or half-written.
soak: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),10)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-cluster.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/app.stamp
