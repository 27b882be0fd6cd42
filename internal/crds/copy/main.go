// Command copy fetches the CRDs of the Gateway API and of the multi-cluster Services API out of their Go modules, at
// the versions that go.mod names, into the directory it runs in. `go generate ./internal/crds` runs it.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is a folder of a module and the CRD files in it that are wanted.
type source struct {
	module, folder string
	files          []string
}

// sources takes the experimental channel: it is the standard channel and the fields that Spillway's users ask for on
// top (retry, session persistence).
func sources() []source {
	return []source{
		{"sigs.k8s.io/gateway-api", "config/crd/experimental", []string{
			"gateway.networking.k8s.io_backendtlspolicies.yaml",
			"gateway.networking.k8s.io_gatewayclasses.yaml",
			"gateway.networking.k8s.io_gateways.yaml",
			"gateway.networking.k8s.io_grpcroutes.yaml",
			"gateway.networking.k8s.io_httproutes.yaml",
			"gateway.networking.k8s.io_listenersets.yaml",
			"gateway.networking.k8s.io_referencegrants.yaml",
			"gateway.networking.k8s.io_tcproutes.yaml",
			"gateway.networking.k8s.io_tlsroutes.yaml",
			"gateway.networking.k8s.io_udproutes.yaml",
		}},
		{"sigs.k8s.io/mcs-api", "config/crd", []string{
			"multicluster.x-k8s.io_serviceexports.yaml",
			"multicluster.x-k8s.io_serviceimports.yaml",
		}},
	}
}

func main() {
	log.SetFlags(0)
	for _, s := range sources() {
		if err := s.copy(); err != nil {
			log.Fatal(err)
		}
	}
}

func (s source) copy() error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", s.module).Output()
	if err != nil {
		return fmt.Errorf("finding %s: %w", s.module, err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), s.folder)
	for _, name := range s.files {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
