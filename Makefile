# make demo   a fresh machine to a report on handwritten digits, in some minutes
# make test   everything that is tested; make lint: style and types
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := demo
DEMO_NET := --latent-dim 2 --net mlp --hidden 256,128 --epochs 120 --batch-size 64 --learning-rate 2e-3 --schedule cosine --random-state 0

.PHONY: demo test lint format clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.package: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.package

# An auto-encoder and a VAE of equal size on handwritten digits, each with its report, and the two side by side.
demo: $(VENV)/.package
	$(BIN)/venero fit autoencoder digits --out $(DEMO)/autoencoder --overwrite $(DEMO_NET)
	$(BIN)/venero fit vae digits --out $(DEMO)/vae --overwrite --likelihood gaussian $(DEMO_NET)
	$(BIN)/venero report $(DEMO)/autoencoder $(DEMO)/vae -o $(DEMO)/autoencoder-and-vae.html
	@echo
	@echo "Open these in a browser:"
	@ls $(CURDIR)/$(DEMO)/*/report.html $(CURDIR)/$(DEMO)/*.html

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --quiet

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache
