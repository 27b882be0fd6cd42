CONFORMANCE_FLAGS ?=

.PHONY: conformance

# The suite itself, unmodified, as a client of a directory that `spillway serve` serves. One test: CONFORMANCE_FLAGS='-run-test HTTPRouteWeight'.
conformance: build ## the Gateway API's conformance suite against `spillway serve` (two minutes to build the first time, four to run)
	@echo "building and running the Gateway API's conformance suite (the first time two minutes, then four)"
	@cd test/conformance && $(GO) test . -count=1 -timeout 20m -binary ../../bin/spillway -report-output report.yaml $(CONFORMANCE_FLAGS)
