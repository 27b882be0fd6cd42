.PHONY: bench-scale
bench-scale: ## a controller with 100 clusters, 100,000 endpoints and 10,000 routes: build, edits, churn, memory (two minutes)
	@$(GO) run ./test/scale
