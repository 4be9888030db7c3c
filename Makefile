.PHONY: all setup build test test-docs docs docs-serve install demo tutorial soak-transport soak-reload bench-transport bench-logging bench-etcd bench-config bench-governance bench-http simulate proto format lint clean

SWIFT ?= swift
REGISTRY ?= file
PREFIX ?= /usr/local
# The targets with which all library products are built.
DOCUMENTED = ServiceKitAuth ServiceKitCommand ServiceKitConfigProvider ServiceKitEtcd ServiceKitHTTP ServiceKitTesting

all: build

setup: ## Installs the missing system packages.
	@scripts/setup

build: setup ## Builds everything.
	@$(SWIFT) build

test: setup ## Builds and runs every test.
	@scripts/test

test-docs: ## Runs the code and the sessions of the documents; needs what make test builds.
	@scripts/test-docs

docs: setup ## Makes the site of the documentation in .build-docs; the first time takes some minutes.
	@# Not all of swift build: that builds the programs of other packages too, protoc among them.
	@for target in $(DOCUMENTED); do $(SWIFT) build --target $$target || exit 1; done
	@$(SWIFT) build --package-path Examples --scratch-path .build/new/build --product pages
	@scripts/make-docs

docs-serve: ## Shows the site on loopback; PORT=8080 instead of a free port.
	@test -f .build-docs/index.html || $(MAKE) --no-print-directory docs
	@python3 scripts/serve-docs $(PORT)

install: setup ## Builds kit and its plugin of protoc, and installs them below PREFIX.
	@scripts/install $(PREFIX)

demo: setup ## Shows a service that is found, balanced, killed and replaced; REGISTRY=etcd uses etcd.
	@echo "==> building; the first time takes some minutes"
	@log=$$(mktemp); { $(SWIFT) build --product servicekit-user-server && $(SWIFT) build --product servicekit-user-client; } >$$log 2>&1 \
		|| { cat $$log; rm -f $$log; exit 1; }; rm -f $$log
	@scripts/demo $(REGISTRY)

bench-transport: setup ## Measures the gRPC transport against others; ARGS="--quick" for a look.
	@scripts/bench-transport $(ARGS)

bench-logging: setup ## Measures calls during a storm of log lines; ARGS="--rate 5000" for calls at a rate.
	@scripts/bench-logging $(ARGS)

bench-etcd: setup ## Measures the registry in etcd and the etcd client against clientv3; ARGS="--quick" for a look.
	@scripts/bench-etcd $(ARGS)

bench-config: setup ## Measures reading and reloading a configuration against Yams; ARGS="--quick" for a look.
	@scripts/bench-config $(ARGS)

bench-governance: setup ## Measures balancers among 10 and 10,000 nodes; ARGS="--quick" for a look.
	@scripts/bench-governance $(ARGS)

bench-http: setup ## Measures HTTP against gRPC, Hummingbird and Envoy, and JSON against SwiftProtobuf; ARGS="--quick" for a look.
	@scripts/bench-http $(ARGS)

simulate: setup ## Compares balancers and limits on simulated fleets; ARGS="--only slow-node --seed 2" for less.
	@scripts/simulate $(ARGS)

proto: ## Regenerates the checked-in protobuf code; needs protoc (Debian: protobuf-compiler).
	@scripts/proto

tutorial: setup ## Shows the complete project of docs/guide; needs etcd.
	@$(SWIFT) build --package-path Examples --product tutorial-server
	@$(SWIFT) build --package-path Examples --product tutorial-client
	@PATH="$$($(SWIFT) build --package-path Examples --show-bin-path):$$PATH" Examples/tutorial/tutorial-demo

soak-transport: setup ## Runs the transport under load and noise with sanitizers, for an hour.
	@scripts/soak-transport

soak-reload: setup ## Changes a configuration 1,000 times in a minute while 64 callers call; RELOADS=n for another number.
	@scripts/soak-reload

format: ## Formats the sources.
	@$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests cmd Benchmarks/Package.swift Benchmarks/Sources Examples/Package.swift Examples/Sources Examples/Tests Examples/tutorial

lint: ## Lists the places that are not formatted.
	@$(SWIFT) format lint --parallel --recursive Package.swift Sources Tests cmd Benchmarks/Package.swift Benchmarks/Sources Examples/Package.swift Examples/Sources Examples/Tests Examples/tutorial

clean:
	@rm -rf .build .build-docs .build-etcd .build-python Benchmarks/.build Examples/.build
