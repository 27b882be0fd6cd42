// Package crds holds the CustomResourceDefinitions of every kind that Spillway reads: its own, generated from the
// types in api/, and those of the Gateway API and of the multi-cluster Services API, copied from their modules.
//
// In: nothing; the files are embedded. Out: their bytes, for installing (Files), and decoded, for validating offline
// as an API server would (Load). Decoding the largest takes some 20 ms, so Load is called once a kind and lazily.
//
// To change one of our CRDs, change its type in api/ and run `go generate ./internal/crds`.
package crds

import (
	"embed"
	"fmt"
	"io/fs"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:generate ../../bin/controller-gen object paths=../../api/cloud/... paths=../../api/networking/... paths=../../api/net/... paths=../../api/neg/... paths=../../api/spillway/...
//go:generate ../../bin/controller-gen crd:allowDangerousTypes=true paths=../../api/cloud/... paths=../../api/networking/... paths=../../api/net/... paths=../../api/neg/... paths=../../api/spillway/... output:crd:dir=.
//go:generate go run ./copy

//go:embed *.yaml
var files embed.FS

// Files returns every CRD as a YAML file, named GROUP_PLURAL.yaml.
func Files() fs.FS { return files }

// Load decodes the CRD of a group and the plural name of a kind, such as "net.gke.io" and "serviceexports".
func Load(group, plural string) (*apiextensionsv1.CustomResourceDefinition, error) {
	name := group + "_" + plural + ".yaml"
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no CRD of %s in group %s: %w", plural, group, err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return crd, nil
}
