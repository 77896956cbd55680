# Every target works on a fresh Debian with Python 3.11 or newer: it makes what it misses, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --quiet
CODE := $(wildcard src tests bench)
# Two processes share the tests, a file at a time, in the order in which they come; ARGS="-n 0 --pdb" wants one alone.
SHARED := -n 2 --dist loadfile --no-loadscope-reorder
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(ARGS)

export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format bench lock clean machine azurite quality

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.runtime ## tell the whole story: order, payment, queue, access
	@$(BIN)/kramik demo

test: $(VENV)/.dev $(VENV)/.azurite $(VENV)/.generators $(VENV)/.quality machine ## run every test (ARGS="-k word" picks some)
	@$(BIN)/python -m pytest $(SHARED) $(ARGS)

check: $(VENV)/.dev ## look at format, lint, types and imports
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo "make format puts the files above in order" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary $(CODE)
	@imports=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$imports"; exit 1; }
	@echo "format, lint, types and imports are in order"

format: $(VENV)/.dev ## format the code and mend what ruff can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(VENV)/.dev $(VENV)/.azurite $(VENV)/.browser machine ## measure load, start-up, memory and the site on this machine
	@$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.dev ## write requirements/*.txt anew (ARGS=--upgrade takes newer versions)
	@$(LOCK) pyproject.toml --extra crypto --extra sandbox -o requirements/runtime.txt
	@$(LOCK) --group functions -c requirements/runtime.txt -o requirements/azure.txt
	@$(LOCK) --group build -o requirements/build.txt
	@$(LOCK) pyproject.toml --all-extras --group dev -c requirements/azure.txt -c requirements/build.txt \
		-o requirements/dev.txt

clean: ## remove what make has made
	@rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

# --- what the targets stand on ---

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "kramik needs Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call install,python3-venv)
	@$(PYTHON) -m venv $$(test -x $(BIN)/python || echo --clear) $(VENV)

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	@echo "installing what kramik runs on …"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing what the tests and checks need …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

azurite: $(VENV)/.azurite

$(VENV)/.azurite: tests/azurite/package-lock.json requirements/worker.txt $(VENV)/.dev
	@echo "installing the storage and the worker of Azure …"
	@mkdir -p $(VENV)/azurite
	@cp tests/azurite/package.json tests/azurite/package-lock.json tests/azurite/.npmrc $(VENV)/azurite
	@cd $(VENV)/azurite && PATH="$(abspath $(BIN)):$$PATH" npm ci --no-update-notifier --loglevel=error
	@# Microsoft declares 3.13 for it; nothing in it needs that, and Debian 12 has 3.11.
	@$(PIP) install --require-hashes --no-deps --ignore-requires-python --target $(VENV)/worker --upgrade \
		-r requirements/worker.txt
	@touch $@

$(VENV)/.generators: tests/generators/package-lock.json $(VENV)/.dev
	@echo "installing Eleventy and Astro, which the tests build an exported shop with …"
	@mkdir -p $(VENV)/generators
	@cp tests/generators/package.json tests/generators/package-lock.json tests/generators/.npmrc $(VENV)/generators
	@cd $(VENV)/generators && PATH="$(abspath $(BIN)):$$PATH" npm ci --no-update-notifier --loglevel=error
	@touch $@

quality: $(VENV)/.quality

$(VENV)/.quality: tests/quality/package.json tests/quality/package-lock.json $(VENV)/.dev
	@echo "installing what pages are judged by …"
	@mkdir -p $(VENV)/quality
	@cp tests/quality/package.json tests/quality/package-lock.json tests/quality/.npmrc $(VENV)/quality
	@cd $(VENV)/quality && PATH="$(abspath $(BIN)):$$PATH" npm ci --no-update-notifier --loglevel=error
	@touch $@

$(VENV)/.browser: bench/browser/package.json bench/browser/package-lock.json $(VENV)/.dev
	@echo "installing Lighthouse …"
	@mkdir -p $(VENV)/browser
	@cp bench/browser/package.json bench/browser/package-lock.json bench/browser/.npmrc $(VENV)/browser
	@cd $(VENV)/browser && PATH="$(abspath $(BIN)):$$PATH" npm ci --no-update-notifier --loglevel=error
	@touch $@

machine: | $(BIN)/pip
	@missing=; for each in chromium curl firefox-esr jekyll strace java:default-jre-headless \
		WebKitWebDriver:webkit2gtk-driver Xvfb:xvfb; do \
		command -v $${each%:*} >/dev/null || missing="$$missing $${each#*:}"; done; \
		test -z "$$missing" || $(call install,$$missing)

# $(call install,NAMES): from Debian, as root; otherwise say what to do.
define install
{ if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	echo "installing from Debian: "$(1)" …"; \
	apt="env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300"; \
	log=$$(mktemp); \
	{ $$apt install --no-install-recommends $(1) || { $$apt update && $$apt install --no-install-recommends $(1); }; } \
		>$$log 2>&1 </dev/null || { cat $$log >&2; rm -f $$log; exit 1; }; \
	rm -f $$log; \
else \
	echo "Please install, as root: apt-get install --no-install-recommends "$(1) >&2; exit 1; \
fi; }
endef
