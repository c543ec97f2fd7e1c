# make demo | test | check | lowest | bench: each installs what it needs into .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: demo test check lint types wheel lowest bench fuzz clean

demo: $(STAMP)
	@$(BIN)/rxllm demo

test: $(STAMP)
	$(BIN)/python -m pytest

check: lint types test wheel

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/basedpyright

# The wheel is built and imported in a virtual environment of its own, outside of the checkout.
wheel: $(STAMP)
	rm -rf dist $(VENV)/wheel
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null
	$(PYTHON) -m venv $(VENV)/wheel
	$(VENV)/wheel/bin/python -m pip install --quiet dist/*.whl
	cd / && $(CURDIR)/$(VENV)/wheel/bin/python -W error -c "import rxllm, rxllm.testing; print('wheel imports, version', __import__('importlib.metadata').metadata.version('rxllm'))"

# With the least version of each package that pyproject.toml takes. The formats' tests are long, and left out.
lowest:
	$(PYTHON) -m venv $(VENV)/lowest
	$(PYTHON) .ci/least.py >$(VENV)/lowest/least.txt
	$(VENV)/lowest/bin/python -m pip install --quiet --editable '.[all]' --constraint $(VENV)/lowest/least.txt \
		pytest pytest-aiohttp pytest-asyncio hypothesis orjson
	$(VENV)/lowest/bin/python -m pytest -q --ignore tests/real --ignore tests/wire --ignore tests/fuzz

# SECONDS of CPU for each of the five decoders; they run side by side.
SECONDS ?= 600
fuzz: $(STAMP)
	PYTHONPATH=tests:tests/wire $(BIN)/python -m fuzz.decoders --seconds $(SECONDS)

bench: $(STAMP)
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/operators.py
	$(BIN)/python benchmarks/agent.py

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "rxllm needs Python 3.11 or newer; run: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) dist
