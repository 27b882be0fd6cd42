.PHONY: bench-control
bench-control: build ## time from a route's edit to its first answer, 300 to 30,000 routes (about ten minutes)
	@$(GO) run ./test/control -binary bin/spillway
