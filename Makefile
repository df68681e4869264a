# The commands of a working copy. Each sets up what it needs first; a second call finds it done.

PROGRAMS := .venv/bin
COMPILE := $(PROGRAMS)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
# What the Debian packages carry: the versions that were tested, and none that only a test needs.
VENDORED := $(COMPILE) --constraint requirements.lock
# The system's own, on every machine; then what ONNX Runtime and colorzero name and nothing of ours
# ever imports (tests/packaging imports every module without them).
LEFT_OUT := pyscard lgpio colorama pyreadline3 \
  coloredlogs flatbuffers humanfriendly mpmath packaging protobuf setuptools sympy

.DEFAULT_GOAL := help
.PHONY: help setup ready run serve test test-screens kills fuzz photo-mutants card-machine node-client check models docs screenshots sign bench bench-accuracy bench-quality bench-pad bench-idle bench-memory bench-bombs bench-loop bench-runtimes bench-panel bench-preview bench-door bench-card bench-apdus bench-link link-attacks cable-pulls deb test-deb test-vm test-arm64 lock clean

help:  ## List these commands
	@sed -n 's/^\([a-z0-9-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## Install what is missing and build the simulated world
	@packaging/setup.sh

ready:
	@packaging/setup.sh --quiet

run: ready  ## Play one whole simulated visit and print its result
	@$(PROGRAMS)/kazashi-simulator visit --patient valid

serve: ready  ## Keep the simulated appliance up; prints the addresses of bench, panel and socket
	@$(PROGRAMS)/kazashi-simulator serve

test: check node-client  ## Run every check and every test (ARGS="-k visit" chooses)
	@$(PROGRAMS)/pytest -n auto --dist loadfile $(ARGS)

test-screens: ready  ## Every screen, in every language and mode: does it fit, does axe find a fault (5 minutes)
	@KAZASHI_EVERY_SCREEN=1 $(PROGRAMS)/pytest -n auto --dist load tests/panel/test_panel_fits.py

kills: ready  ## Kill the host driver at 200 moments of a visit: does what it said stand in the ledger (5 minutes)
	@KAZASHI_KILLS=200 KAZASHI_SEED=$${KAZASHI_SEED:-$$RANDOM$$RANDOM} $(PROGRAMS)/pytest -s tests/hostdriver/test_kills.py

node-client: ready  ## Fetch what the tests of the Node example need
	@packaging/node_client.sh

card-machine: ready  ## Let random mishaps befall 5,000 runs of cards and requests (RUNS=N; 5 minutes)
	@KAZASHI_CARD_MACHINE=$${RUNS:-5000} $(PROGRAMS)/pytest -s -n0 tests/card/test_card_machine.py

fuzz: ready  ## Give every parser a stranger's bytes (SECONDS=600 for all together)
	@$(PROGRAMS)/python tests/fuzz/fuzz.py --seconds $(or $(SECONDS),600) $(ARGS)

photo-mutants: ready  ## Send mutated photos through the decoder (RUNS=100000; 20 minutes of one core)
	@KAZASHI_JP2_MUTANTS=$${RUNS:-100000} KAZASHI_SEED=$${KAZASHI_SEED:-$$RANDOM$$RANDOM} $(PROGRAMS)/pytest -s -n0 tests/match/test_jp2_mutants.py

check: ready  ## Lint, format and types, without tests
	@$(PROGRAMS)/ruff check --quiet .
	@$(PROGRAMS)/ruff format --quiet --check .
	@$(PROGRAMS)/mypy

models: ready  ## Build the models again and compare each with its card
	@$(PROGRAMS)/python models/make_models.py

docs: ready  ## Write the generated documents again
	@$(PROGRAMS)/python docs/generate.py

bench: ready  ## Measure us beside our peers: engines, pipelines, decoders (FACES=DIR: error rates too)
	@$(PROGRAMS)/python benchmarks/peers.py all $(if $(FACES),--faces "$(FACES)") $(ARGS)

bench-accuracy: ready  ## Measure error rates of the face comparison (FACES=DIR)
	@$(PROGRAMS)/kazashi-match evaluate --out benchmarks/results --faces "$(or $(FACES),$(error FACES=DIR names the pictures))" $(ARGS)

bench-pad: ready  ## Measure which presentation attacks come through (FACES=DIR; 20 minutes of one core; ARGS=--fit=200: 50)
	@$(PROGRAMS)/python benchmarks/pad.py --faces "$(or $(FACES),$(error FACES=DIR names the pictures))" $(ARGS)

bench-quality: ready  ## Measure the limits of picture quality (FACES=DIR)
	@$(PROGRAMS)/python benchmarks/quality.py --faces "$(or $(FACES),$(error FACES=DIR names the pictures))" $(ARGS)

bench-idle: ready  ## Measure CPU with nobody there, and memory over ten visits
	@$(PROGRAMS)/python benchmarks/idle.py $(ARGS)

bench-bombs: ready  ## Measure how soon a photo that asks for too much is refused
	@$(PROGRAMS)/python benchmarks/photo_bombs.py $(ARGS)

bench-loop: ready  ## Measure how soon a frame becomes a decision, and what following a face saves
	@$(PROGRAMS)/python benchmarks/loop.py $(ARGS)

bench-runtimes: ready  ## Compare versions of ONNX Runtime on our networks (fetches each, once)
	@$(PROGRAMS)/python benchmarks/runtimes.py $(ARGS)

bench-memory: ready  ## Measure where the vision worker's memory goes, without the simulated cameras
	@$(PROGRAMS)/python benchmarks/vision_memory.py

bench-panel: ready  ## Measure how soon a change of state is seen on the panel
	@$(PROGRAMS)/python benchmarks/panel_latency.py $(ARGS)

bench-preview: ready  ## Measure whether a page with the camera's picture slows the comparison
	@$(PROGRAMS)/python benchmarks/preview.py $(ARGS)

bench-door: ready  ## Measure how soon the local socket answers fifty clients during visits
	@$(PROGRAMS)/python benchmarks/door.py $(ARGS)

bench-card: ready  ## Compute how long the line alone takes to read a card, by rate
	@$(PROGRAMS)/python benchmarks/card_line.py $(ARGS)

bench-apdus: ready  ## Count the commands for photo and certificate, beside OpenSC's
	@$(PROGRAMS)/python benchmarks/apdus.py $(ARGS)

bench-link: ready  ## Compute what is left of a serial line, send FRAMES=1000000 over bad ones, measure real ports (6 minutes)
	@$(PROGRAMS)/python benchmarks/link_line.py --frames $(or $(FRAMES),1000000) $(ARGS)
	@$(PROGRAMS)/python benchmarks/link_real.py

link-attacks: ready  ## Attack the serial link a thousand times in each way (ATTEMPTS=N; 15 minutes)
	@$(PROGRAMS)/python benchmarks/link_attacks.py --attempts $(or $(ATTEMPTS),1000) $(ARGS)

cable-pulls: ready  ## Lose the host in every state of a visit: what the panel says, how soon all is well (12 minutes)
	@$(PROGRAMS)/python benchmarks/cable_pulls.py $(ARGS)

bench-ocr: ready  ## Measure how often the printed number is read, doubted, or wrong (15 minutes of one core)
	@$(PROGRAMS)/python benchmarks/ocr.py $(ARGS)

sign: ready  ## Print the sign for the waiting room into build/sign.pdf, A4
	@$(PROGRAMS)/python docs/hardware/print_sign.py

screenshots: ready  ## Draw every screen of the panel into build/screenshots
	@$(PROGRAMS)/python docs/screenshots.py

deb: ready  ## Build the Debian packages into build/deb (SUITE=bookworm|trixie ARCH=amd64|arm64 VERSION=; 2 minutes)
	@$(PROGRAMS)/python packaging/deb.py $(if $(SUITE),--suite $(SUITE)) $(if $(ARCH),--arch $(ARCH)) $(if $(VERSION),--version $(VERSION)) $(DEB_ARGS)

test-vm: deb  ## Install, use, break and power-cut it in a virtual machine (root; SUITE=; 30 minutes; docs/HARDWARE_TESTS.md)
	@$(PROGRAMS)/python tests/vm/run.py $(if $(SUITE),--suite $(SUITE)) $(ARGS)

test-deb: ready  ## Install, visit, upgrade and purge the packages in a chroot of this machine's kind (root; SUITE=; 15 minutes)
	@$(PROGRAMS)/python tests/packaging/run_native.py $(if $(SUITE),--suite $(SUITE)) $(ARGS)

test-arm64: ready  ## Install, visit, upgrade and purge the packages on emulated arm64 (root; 15 minutes; docs/HARDWARE_TESTS.md)
	@$(PROGRAMS)/python tests/arm64/run.py $(ARGS)

lock:  ## Choose the newest versions of all dependencies and write their hashes
	@$(COMPILE) --upgrade --extra firmware --extra host --extra plots --extra dev pyproject.toml -o requirements.lock
	@$(VENDORED) --extra firmware $(LEFT_OUT:%=--no-emit-package %) pyproject.toml packaging/pi.in -o packaging/firmware.lock
	@$(VENDORED) --extra host pyproject.toml -o packaging/hostdriver.lock
	@$(VENDORED) packaging/simulator.in -o packaging/simulator.lock
	@$(COMPILE) --upgrade --no-deps --python-version 3.11 packaging/bootstrap.in -o packaging/bootstrap.lock
	@$(COMPILE) --upgrade --no-deps --python-version 3.11 packaging/pi.in -o packaging/pi.lock
	@$(COMPILE) --upgrade --no-deps --python-version 3.11 packaging/node.in -o packaging/node.lock
	@$(COMPILE) --upgrade --python-version 3.11 benchmarks/peers.in -o benchmarks/peers.lock
	@$(COMPILE) --upgrade --python-version 3.11 benchmarks/peers-opencv4.in -o benchmarks/peers-opencv4.lock
	@while read -r one; do echo "$$one" | $(COMPILE) --no-deps --python-version 3.11 --no-annotate -; done \
		< benchmarks/runtimes.in > benchmarks/runtimes.lock

clean:  ## Remove everything that is built; git status stays as it was
	@rm -rf build .venv models/*/*.onnx kazashi.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
