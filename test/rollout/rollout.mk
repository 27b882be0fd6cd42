.PHONY: rollout
rollout: ## rolling updates of 20 Pods under 2,000 requests a second: no request lost
	@$(GO) test ./test/rollout -count=1 -v -timeout 60m -rate 2000 -replicas 20 -all
