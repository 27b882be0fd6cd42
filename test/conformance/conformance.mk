CONFORMANCE_FLAGS ?=
CONFORMANCE_REPORT ?= bin/conformance.yaml

.PHONY: conformance

# The suite itself, unmodified, as a client of a directory that `spillway serve` serves. Gateways listen on ports 80 and 443, which
# the user must be allowed to bind. One test, or another class:
#	make conformance CONFORMANCE_FLAGS='-run-test HTTPRouteWeight'
#	make conformance CONFORMANCE_FLAGS='-gateway-class gke-l7-rilb'
conformance: build ## the Gateway API's conformance suite against `spillway serve` (two minutes to build the first time, one to run)
	@echo "building and running the Gateway API's conformance suite (two minutes the first time, then one)"
	@cd test/conformance && $(GO) test . -count=1 -timeout 20m -binary $(CURDIR)/bin/spillway \
	  -report-output $(abspath $(CONFORMANCE_REPORT)) $(CONFORMANCE_FLAGS) || { echo "the whole log: CONFORMANCE_FLAGS=-test.v"; exit 1; }

CLASS ?= spillway
CONFORMANCE_LAB_REPORT ?= bin/conformance-lab.yaml

.PHONY: conformance-lab

# The same suite against `spillway controller` over the real API server of a lab, which builds Kubernetes' servers the first time
# unless SPILLWAY_LAB_SERVERS has them.
#	make conformance-lab CLASS=gke-l7-rilb CONFORMANCE_FLAGS='-run-test HTTPRouteWeight -test.v'
conformance-lab: build ## the Gateway API's conformance suite against a lab (servers are built the first time: five minutes)
	@echo "building the Gateway API's conformance suite (two minutes the first time)"
	@cd test/conformance && $(GO) test -trimpath -c -o $(CURDIR)/bin/conformance.test .
	@test/conformance/lab.sh $(CURDIR)/bin/spillway $(CURDIR)/bin/conformance.test $(abspath $(CONFORMANCE_LAB_REPORT)) $(CLASS) $(CONFORMANCE_FLAGS)
