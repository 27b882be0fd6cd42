.PHONY: bench-apply
bench-apply: build ## time from an HTTPRoute's create at a real API server to its first answer (a minute, and the lab's servers once)
	@$(GO) build -o bin/bench-apply ./test/apply
	@SPILLWAY=$(CURDIR)/bin/spillway APPLY=$(CURDIR)/bin/bench-apply test/apply/run $(APPLY_FLAGS)
