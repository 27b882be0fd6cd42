.PHONY: lab-test
lab-test: build ## the tutorials in a lab of three real clusters (servers are built once, five minutes; then two)
	@SPILLWAY_LAB_TEST=$(CURDIR)/bin/spillway $(GO) test ./test/lab -run TestTutorials -count=1 -v -timeout 60m

.PHONY: lab-chaos
lab-chaos: build ## kills, partitions and rollouts in a lab of three real clusters, beside a client that counts (two minutes)
	@SPILLWAY_LAB_TEST=$(CURDIR)/bin/spillway $(GO) test ./test/lab -run TestChaos -count=1 -v -timeout 30m
