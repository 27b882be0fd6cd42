MCS_COMMIT ?= ded161af6ea9596cd9e878c61ed4f4e8d5cf8401
MCS_REPOSITORY ?= https://github.com/kubernetes-sigs/mcs-api
MCS_FILTER ?= (Required || EndpointSlice || ExportedLabels) && !DNS

.PHONY: conformance-mcs

# The suite of sigs.k8s.io/mcs-api, unmodified: it is no module that can be required, so its repository is cloned. MCS_REPOSITORY
# may be the directory of a clone. Its report is written to bin/conformance-mcs.yaml.
conformance-mcs: build ## the multi-cluster Services API's conformance suite in a lab of two clusters (ten minutes the first time, then three)
	@SPILLWAY=$(CURDIR)/bin/spillway MCS_COMMIT=$(MCS_COMMIT) MCS_REPOSITORY=$(MCS_REPOSITORY) MCS_FILTER='$(MCS_FILTER)' test/mcs/run
