# Google's Python client, and gcloud, against `spillway serve --compute`. Its Go client is a test of internal/computeapi.

COMPUTE_CLIENT_VERSION ?= 1.57.0

.PHONY: clients

clients: build ## Google's Python client of the Compute API reads and is refused (needs python3 with venv, and PyPI)
	python3 -m venv bin/clients
	bin/clients/bin/pip install --quiet google-cloud-compute==$(COMPUTE_CLIENT_VERSION)
	bin/clients/bin/python test/clients/compute.py bin/spillway examples/multi-cluster-gateway

.PHONY: clients-gcloud

clients-gcloud: build ## gcloud itself prints what `spillway compute` prints (needs gcloud and python3)
	python3 test/clients/gcloud.py bin/spillway examples/multi-cluster-gateway
