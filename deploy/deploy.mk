# What is installed: binaries, image, chart. See docs/install.md.

RELEASE_PLATFORMS ?= linux/amd64 linux/arm64

.PHONY: release release-check image

release: ## reproducible binaries for linux/amd64 and linux/arm64, with their checksums, in bin/release
	@rm -rf bin/release
	@GO=$(GO) deploy/release bin/release $(RELEASE_PLATFORMS)

release-check: ## build the binaries twice, the second time elsewhere and from nothing, and compare the bytes
	@GO=$(GO) deploy/release-check $(RELEASE_PLATFORMS)

IMAGE ?= spillway:dev

image: release ## the container image IMAGE for this machine (needs docker with buildx)
	docker buildx build --load -f deploy/Dockerfile -t $(IMAGE) .
