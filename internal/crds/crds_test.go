package crds

import (
	"io/fs"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

func TestEveryFileLoadsAndIsStructural(t *testing.T) {
	names, err := fs.Glob(Files(), "*.yaml")
	if err != nil || len(names) < 20 {
		t.Fatalf("found %d files, %v", len(names), err)
	}
	for _, name := range names {
		group, plural, _ := strings.Cut(strings.TrimSuffix(name, ".yaml"), "_")
		crd, err := Load(group, plural)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if crd.Spec.Group != group || crd.Spec.Names.Plural != plural {
			t.Errorf("%s holds %s", name, crd.Name)
		}
		for _, v := range crd.Spec.Versions {
			checkStructural(t, name, v)
		}
	}
}

func checkStructural(t *testing.T, name string, v apiextensionsv1.CustomResourceDefinitionVersion) {
	t.Helper()
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatalf("%s %s: %v", name, v.Name, err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatalf("%s %s: %v", name, v.Name, err)
	}
	if errs := schema.ValidateStructural(nil, structural); len(errs) > 0 {
		t.Errorf("%s %s: %v", name, v.Name, errs)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := Load("example.com", "things"); err == nil {
		t.Error("no error")
	}
}
