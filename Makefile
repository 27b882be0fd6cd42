# `make` lists the targets. Go, git and make are all that most of them need.

GO      ?= go
DIR     ?= examples/multi-cluster-gateway
FUZZTIME ?= 5s
TOOLS   := bin/.tools

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/spillway (about a minute the first time, seconds later)
	@echo "building bin/spillway (with an empty cache this downloads modules and takes one to two minutes)"
	@$(GO) build -trimpath -o bin/spillway ./cmd/spillway

.PHONY: demo
demo: build ## build, then serve the multi-cluster tutorial until Ctrl-C
	@exec bin/spillway serve $(DIR)

.PHONY: test
test: ## every unit, golden and script test (about three minutes the first time)
	@echo "running the tests (the first time also compiles them: two to three minutes on two cores)"
	@$(GO) test ./...

.PHONY: race
race: ## the tests under the race detector
	@$(GO) test -race -timeout 30m ./...

.PHONY: poison
poison: ## the data plane's tests with released memory overwritten (docs/memory.md)
	@$(GO) test -tags poison ./internal/proxy/...

.PHONY: lint
lint: $(TOOLS) ## gofumpt, vet, staticcheck
	@unformatted=$$(git ls-files '*.go' | grep -Ev '(\.pb|zz_generated.*)\.go$$' | xargs bin/gofumpt -l); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (run bin/gofumpt -w):"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./...
	@cd test/conformance && $(GO) vet ./...
	@bin/staticcheck ./...

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzz target for FUZZTIME (5s; 3000x is executions)
	@test/fuzz.sh $(FUZZTIME)

.PHONY: fuzz
fuzz: ## every fuzz target for two minutes
	@test/fuzz.sh 2m

.PHONY: generate
generate: $(TOOLS) ## regenerate protobuf, deepcopy and CRDs
	@bin/lbproto api/lb/v1/lb.proto api/fleet/v1/fleet.proto
	@PATH="$(CURDIR)/bin:$$PATH" $(GO) generate ./...

.PHONY: tools
tools: $(TOOLS) ## build the tools of lint and generate into bin/
$(TOOLS): tools/go.mod tools/go.sum $(wildcard tools/*/*.go)
	@echo "building the lint and generate tools (about a minute, once)"
	@cd tools && $(GO) build -o ../bin/ tool
	@touch $@

.PHONY: ci
ci: ## what continuous integration runs
	@.ci/run

include deploy/deploy.mk $(wildcard test/*/*.mk)
