# Two commands for a newcomer: `make run` and `make test`. Everything else is a part of them.
#
# Each step leaves a stamp (in .venv, in web/node_modules, or its own result), so that a second start does
# nothing but start. Nothing here needs root; Chromium, for the tests only, comes by apt when we are root.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
WEB_MODULES := web/node_modules/.holdfast-stamp
WEB_INDEX := src/holdfast/_web/index.html
SPEECH := src/holdfast/_speech/silero_vad_16k_op15.onnx
EXPRESS := $(VENV)/.express
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

# How many worlds `make simulate` lives (about three sessions each), from which seed, on how many processes.
SEEDS ?= 35000
FROM ?= 0
JOBS ?= 3

# What a target wants to tell while it works; everything else stays quiet unless it fails.
say = @printf '\033[2m==> %s\033[0m\n' "$(1)"
PIP_QUIET := -qq --disable-pip-version-check --no-input

CLIENTS := .venv-clients
PEERS := .venv-peers
CLIENTS_NODE := tests/clients/node/node_modules/.holdfast-stamp

.PHONY: help clients run prepare test test-python test-web test-live check bench bench-core bench-engine talkers instructions budget simulate compare outage overload chaos rotate soak page autobahn image-check mutate express redaction bench-all bench-peers web speech packages wheel docs clean

help: ## what each target does
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: ## install what is missing, build the web client, serve on http://127.0.0.1:8080
	@$(MAKE) --jobs=2 prepare
	@exec $(BIN)/holdfast serve

prepare: $(VENV)/.runtime $(WEB_INDEX) $(SPEECH) $(EXPRESS)

test: ## install what is missing and run every test, in Chromium too
	@$(MAKE) --jobs=2 prepare $(VENV)/.dev
	@scripts/chromium.sh
	@$(MAKE) test-web
	@$(MAKE) test-python

test-web: $(WEB_MODULES) $(WEB_INDEX) ## the web tests and the packed sizes alone
	$(call say,web tests)
	@npm --prefix web test --silent
	@npm --prefix web run size --silent

test-python: $(VENV)/.dev $(EXPRESS) ## the Python tests alone; PYTEST_ARGS="tests/core -q" for a part
	$(call say,Python tests)
	@$(if $(PYTEST_ARGS),$(BIN)/python -m pytest $(PYTEST_ARGS),PYTHON=$(BIN)/python scripts/test_python.sh)

test-live: $(VENV)/.runtime $(SPEECH) ## opt-in: doctor and talk against a real provider, with the key at hand
	@scripts/test_live.sh

check: $(VENV)/.dev $(EXPRESS) $(WEB_MODULES) ## lint, formats, types, the import contract: what CI runs before the tests
	$(call say,ruff)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	$(call say,import contract)
	@told="$$($(BIN)/lint-imports 2>&1)" || { echo "$$told"; exit 1; }
	$(call say,mypy --strict)
	@$(BIN)/mypy
	$(call say,web types)
	@npm --prefix web run typecheck --silent

bench: $(VENV)/.dev $(SPEECH) ## the project's own figures on this machine, beside what is installed (two minutes)
	@$(BIN)/holdfast bench

bench-peers: $(PEERS)/.stamp ## install what the gateway is measured beside: LiteLLM, aiohttp, and by apt nginx and haproxy (root)
	@scripts/peers.sh

bench-all: $(VENV)/.dev $(SPEECH) ## every figure and every goal; the page goes to docs/measurements (50 minutes)
	@$(BIN)/python -m benchmarks.relay

bench-engine: $(VENV)/.dev $(SPEECH) ## the embedded engine's accuracy and latency (minutes)
	@$(BIN)/python -m benchmarks.engine.accuracy
	@$(BIN)/python -m benchmarks.engine.latency --rounds 4

bench-core: $(VENV)/.dev ## the core's steps alone: microseconds by pytest-benchmark (5 seconds)
	@$(BIN)/python -m pytest -q benchmarks/core --benchmark-columns=median,iqr,min,rounds --benchmark-sort=fullname

instructions: $(VENV)/.dev $(EXPRESS) ## instructions for one message (callgrind) beside their bounds; WRITE=1 renews these (half a minute)
	@scripts/valgrind.sh
	@$(BIN)/python -m benchmarks.instructions $(if $(WRITE),--write)
	@$(BIN)/python -m pytest -q benchmarks/instructions

talkers: $(VENV)/.dev $(SPEECH) ## how many people can talk to the embedded engine at once (5 minutes)
	@$(BIN)/python -m benchmarks.engine.talkers

budget: $(VENV)/.dev $(EXPRESS) ## where each microsecond of a message goes: perf, py-spy, the page of the reference (root; some minutes)
	@scripts/perf.sh
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --group profile
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m benchmarks.budget

BASE ?= HEAD~1
PAIRS ?= 30
RUNS ?= 20
SEED ?= 1
MINUTES ?= 30
SECONDS_DARK ?= 600

compare: $(VENV)/.dev ## the gateway's cost for a message beside revision BASE (HEAD~1), PAIRS (30) pairs: minutes
	@$(BIN)/python -m benchmarks.compare --base $(BASE) --pairs $(PAIRS)

redaction: $(VENV)/.dev ## how much of what should be taken out of transcripts is found, and how much else (seconds)
	@$(BIN)/python -m benchmarks.redaction --misses

outage: $(VENV)/.dev ## an upstream that is dark for SECONDS_DARK (600) with 200 sessions, three ways
	@$(BIN)/python -m benchmarks.outage --seconds $(SECONDS_DARK) --seed $(SEED)

overload: $(VENV)/.dev ## three times what a quarter of a core can carry (needs root to hold the gateway)
	@$(BIN)/python -m benchmarks.overload --seed $(SEED)

chaos: $(VENV)/.dev ## the fault matrix over real sockets, RUNS (20) of each cell: outcome, losses, recovery time
	@$(BIN)/python -m benchmarks.recovery --runs $(RUNS)

rotate: $(VENV)/.dev ## ten upstreams in a row under a conversation on each face: gaps, losses, answers (80 s)
	@$(BIN)/python -m benchmarks.rotation

soak: $(VENV)/.dev ## MINUTES (30) of churn with a fault every 30 s: what grows
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) --seed $(SEED)

page: $(VENV)/.dev $(WEB_MODULES) $(WEB_INDEX) ## what the web page costs in Chromium: threads, messages, an hour's memory, sizes (14 minutes)
	@scripts/chromium.sh
	@$(BIN)/python -m benchmarks.page --seed $(SEED)

autobahn: $(VENV)/.dev ## Autobahn's 301 cases at both sockets (minutes; skipped with the reason without Python 2.7)
	@wstest="$$(scripts/wstest.sh)" || { code=$$?; [ $$code = 3 ] && exit 0; exit $$code; }; \
		$(BIN)/python -m benchmarks.autobahn --wstest "$$wstest"

image-check: $(VENV)/.dev ## the Dockerfile's steps without a container engine (root; a minute)
	@$(BIN)/python -m tests.image || { code=$$?; [ $$code = 3 ] || exit $$code; }

simulate: $(VENV)/.dev ## 100,000 simulated sessions with faults; the result goes to docs/measurements (minutes)
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --from $(FROM) --jobs $(JOBS) --write

mutate: $(VENV)/.dev ## break the recovery code in 72 ways, chosen by a library, and count what the tests notice (half an hour)
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --group mutation
	@$(BIN)/python scripts/mutate_core.py --mutants 72 --seed $(SEED) --jobs 2

clients: $(VENV)/.dev $(SPEECH) $(CLIENTS)/.stamp $(CLIENTS_NODE) ## clients of strangers with each kind of upstream; the table goes to docs/measurements (a quarter of an hour)
	@$(BIN)/python -m tests.clients --write

web: $(WEB_INDEX) ## build the web client into the package

express: $(EXPRESS) ## compile the usual way of audio and recognition's scores, where there is a C compiler

speech: $(SPEECH) ## fetch the embedded engine's files into the package

docs: $(VENV)/.dev ## write the generated pages, the dashboard and the alert rules again
	@$(BIN)/python scripts/generate_docs.py
	@$(BIN)/python scripts/monitoring.py

packages: $(WEB_MODULES) ## the client and the React component as npm packages: web/dist/*.tgz
	@npm --prefix web run packages --silent
	@cd web/dist && npm pack --silent ./client ./react

wheel: $(VENV)/.dev $(WEB_INDEX) $(SPEECH) ## a wheel and an sdist that carry the web client and the speech files
	$(call say,wheel and sdist into dist/)
	@rm -rf dist
	@PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m build --outdir dist . | tail -n 1

clean: ## remove everything that these targets made
	@rm -rf $(VENV) $(CLIENTS) $(PEERS) web/node_modules tests/clients/node/node_modules web/dist src/holdfast/_web src/holdfast/_speech \
		src/holdfast/express/*.so src/holdfast/engine/*.so dist .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(CLIENTS)/.stamp: tests/clients/packages.txt tests/clients/constraints.txt
	$(call say,clients of strangers in $(CLIENTS))
	@"$$(scripts/preflight.sh python)" -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install $(PIP_QUIET) --constraint tests/clients/constraints.txt \
		--requirement tests/clients/packages.txt
	@touch $@

$(PEERS)/.stamp: benchmarks/peers/packages.txt benchmarks/peers/constraints.txt
	$(call say,relays of others in $(PEERS))
	@"$$(scripts/preflight.sh python)" -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install $(PIP_QUIET) --constraint benchmarks/peers/constraints.txt \
		--requirement benchmarks/peers/packages.txt
	@touch $@

$(CLIENTS_NODE): tests/clients/node/package.json tests/clients/node/package-lock.json
	@scripts/preflight.sh node
	$(call say,clients of strangers for Node)
	@npm --prefix tests/clients/node ci --silent --no-fund --no-audit
	@touch $@

$(VENV)/.pip: scripts/preflight.sh
	@python="$$(scripts/preflight.sh python)"; \
	printf '\033[2m==> virtual environment in $(VENV) (%s)\033[0m\n' "$$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --upgrade pip
	@touch $@

$(VENV)/.runtime: $(VENV)/.pip pyproject.toml constraints.txt
	$(call say,Python packages)
	@PIP_BUILD_CONSTRAINT=constraints.txt \
		$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(call say,Python packages for tests and checks)
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --group dev
	@touch $@

$(EXPRESS): scripts/build_native.py $(wildcard src/holdfast/express/*.pyx src/holdfast/express/*.pxi src/holdfast/express/*.h src/holdfast/engine/*.c) $(VENV)/.runtime
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --group native
	$(call say,the compiled way of audio and the compiled part of recognition)
	@$(BIN)/python scripts/build_native.py
	@touch $@

$(WEB_MODULES): web/package.json web/package-lock.json
	@scripts/preflight.sh node
	$(call say,packages of the web client)
	@npm --prefix web ci --silent --no-fund --no-audit
	@touch $@

$(WEB_INDEX): $(WEB_MODULES) $(WEB_SOURCES)
	$(call say,web client)
	@npm --prefix web run build --silent
	@test -f $@ || { echo "error: the web build left no $@. Look at web/vite.config.ts (build.outDir)." >&2; exit 1; }
	@touch $@

$(SPEECH): scripts/fetch_speech.py $(VENV)/.runtime
	@scripts/preflight.sh node
	$(call say,speech files of the embedded engine)
	@$(BIN)/python scripts/fetch_speech.py
	@touch $@
