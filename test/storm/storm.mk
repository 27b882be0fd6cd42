.PHONY: storm
storm: ## 500 random edits in 60 s under traffic: no request lost
	@$(GO) test ./test/storm -count=1 -v -timeout 5m -edits 500 -over 60s -burst 0
