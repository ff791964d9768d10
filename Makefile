# make demo   from a fresh clone to a prediction and back to nothing
# make test   every check, in one report
PYTHON ?= python3
BIN := .venv/bin
# Compiled files are what jsii and scikit-learn start from; without them every start takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE
# Hash-pinned files decide what is installed; a machine's extra link folders must not.
unexport PIP_FIND_LINKS UV_FIND_LINKS

.PHONY: demo test fuzz setup setup-sagemaker setup-dev lock golden docs picture bench bench-serving lint clean

demo: setup-sagemaker ## train, deploy, predict, destroy, and prove that nothing is left
	@$(BIN)/slipway demo

test: setup-dev ## every check, in one report
	@$(BIN)/python -m tests

fuzz: setup-dev ## over 200,000 bodies through the parsers: some minutes
	@SLIPWAY_FUZZ=nightly $(BIN)/python -m pytest -q tests/property

setup: .venv/.setup
setup-sagemaker: .venv/.setup-sagemaker ## what jobs on SageMaker need: slipway train --on sagemaker, slipway batch
setup-dev: .venv/.setup-dev

.venv/bin/uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Slipway needs Python 3.11 or newer, and this is %d.%d. Say which one to use: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@echo "setup 1/4: a Python environment in .venv" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-uv.txt

.venv/.setup: .venv/bin/uv requirements.txt package-lock.json stacks/node.sh localaws/requirements.txt $(wildcard localaws/images/*/requirements.txt)
	@echo "setup 2/4: Python packages, by hash" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.txt
	@printf '%s\n' '$(CURDIR)' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/slipway.pth"
	@printf '#!%s\nfrom slipway.main import main\nmain()\n' '$(CURDIR)/$(BIN)/python' > $(BIN)/slipway && chmod +x $(BIN)/slipway
	@echo "setup 3/4: the CDK command line, by hash" >&2
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --omit=dev --silent --no-progress
	@ln -sf ../../node_modules/.bin/cdk $(BIN)/cdk
	@ln -sf ../../stacks/node.sh $(BIN)/jsii-node
	@echo "setup 4/4: the embedded AWS and its images" >&2
	@$(BIN)/python -m localaws.environments
	@touch $@

.venv/.setup-sagemaker: .venv/.setup requirements-sagemaker.txt
	@echo "setup, for jobs on SageMaker" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements-sagemaker.txt
	@touch $@

.venv/.setup-dev: .venv/.setup-sagemaker requirements-dev.txt tests/local/eb/requirements.txt
	@echo "setup, for the checks" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements-dev.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --no-progress
	@$(BIN)/python -m tests.local.eb.cli
	@touch $@

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
lock: .venv/bin/uv ## compile every requirements file again
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) requirements.in -c requirements-dev.txt -o requirements.txt
	$(COMPILE) requirements-uv.in -o requirements-uv.txt
	$(COMPILE) requirements-sagemaker.in -c requirements-dev.txt -o requirements-sagemaker.txt
	for kind in onnx sklearn xgboost s3; do $(COMPILE) --no-annotate -c requirements-dev.txt model_code/serving/requirements-$$kind.in -o model_code/serving/requirements-$$kind.txt || exit 1; done
	for kind in onnx sklearn; do $(COMPILE) --no-annotate --no-deps -c requirements-dev.txt model_code/serving/requirements-lambda-$$kind.in -o model_code/serving/requirements-lambda-$$kind.txt || exit 1; done
	for kind in xgboost s3 runtime; do $(COMPILE) --no-annotate -c requirements-dev.txt model_code/serving/requirements-lambda-$$kind.in -o model_code/serving/requirements-lambda-$$kind.txt || exit 1; done
	$(COMPILE) --no-annotate localaws/requirements.in -o localaws/requirements.txt
	$(COMPILE) --no-annotate localaws/lambda_functions/requirements.in -o localaws/lambda_functions/requirements.txt
	cd localaws/images/sklearn_1_9_0 && $(subst $(BIN),../../../$(BIN),$(COMPILE)) --no-annotate requirements.in --override overrides.txt -o requirements.txt
	$(COMPILE) --no-annotate localaws/images/xgboost_3_2_0/requirements.in -o localaws/images/xgboost_3_2_0/requirements.txt
	$(COMPILE) --no-annotate tests/local/eb/requirements.in -o tests/local/eb/requirements.txt

golden: setup-dev ## write the golden templates again, for review in the diff
	@CDK_VALIDATION=false $(BIN)/python -m tests.synth.update_golden

docs: setup ## write the generated pages of docs/ again
	@$(BIN)/python -m slipway.reference

picture: setup ## draw docs/demo.svg from what the demo prints
	@$(BIN)/python docs/make_picture.py

bench: setup-dev ## the figures that the docs quote, side by side with peers
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python -m "benchmarks.$$(basename "$$script" .py)" || exit 1; done

bench-serving: setup-dev ## our server beside its peers, as docs/benchmarks/serving.md: BENCH_ROUNDS=5, DATE=
	@$(BIN)/python -m benchmarks.serving $(DATE)

lint: setup-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean: ## remove what setup, training and synth made
	@$(BIN)/slipway destroy >/dev/null 2>&1 || true
	@rm -rf .venv .slipway node_modules cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis
