package schema

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/spillway-lb/spillway/internal/crds"
	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// crd is one version of a CRD, compiled.
type crd struct {
	structural *schema.Structural
	openAPI    validation.SchemaValidator
	cel        *cel.Validator
	rules      map[string]string // CEL rule by its message
	quick      *quick
}

// lazyCRD compiles on first use: some 50 ms for the largest, HTTPRoute.
type lazyCRD struct {
	get func() (*crd, error)
}

func newLazyCRD(group, plural, version string) *lazyCRD {
	return &lazyCRD{get: sync.OnceValues(func() (*crd, error) { return compile(group, plural, version) })}
}

func compile(group, plural, version string) (*crd, error) {
	definition, err := crds.Load(group, plural)
	if err != nil {
		return nil, err
	}
	for _, v := range definition.Spec.Versions {
		if v.Name == version {
			return compileSchema(v.Schema.OpenAPIV3Schema)
		}
	}
	return nil, fmt.Errorf("the CRD of %s.%s has no version %s", plural, group, version)
}

func compileSchema(v1 *apiextensionsv1.JSONSchemaProps) (*crd, error) {
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1, &props, nil); err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		return nil, err
	}
	openAPI, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return nil, err
	}
	c := &crd{
		structural: structural, openAPI: openAPI, rules: map[string]string{},
		cel: cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}
	for name, property := range structural.Properties {
		if name != "status" { // which is not read from files
			collectRules(&property, c.rules)
		}
	}
	collectRules(&schema.Structural{ValidationExtensions: structural.ValidationExtensions}, c.rules)
	// A missing environment costs speed, not correctness.
	env, err := quickEnv()
	if err != nil {
		env = nil
	}
	c.quick = newQuick(structural, env)
	return c, nil
}

// check prunes and defaults the value in place, and returns what is wrong with it.
func (c *crd) check(value map[string]any) []document.Violation {
	defaulting.Default(value, c.structural)
	if c.quick.object(value) {
		return nil
	}
	return c.checkInFull(value)
}

// checkInFull does what an API server does, with its own code.
func (c *crd) checkInFull(value map[string]any) []document.Violation {
	var violations []document.Violation
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(value, c.structural, true, options) {
		violations = append(violations, document.Violation{
			Path: path, Rule: document.RuleUnknownField, Message: "unknown field", AtKey: true,
		})
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(value, c.structural)
	defaulting.Default(value, c.structural)
	errs := validation.ValidateCustomResource(nil, value, c.openAPI)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.structural, value)...)
	violations = append(violations, document.FromField(errs)...)
	if hidesRules(errs) {
		return violations
	}
	errs, _ = c.cel.Validate(context.Background(), nil, c.structural, value, nil, celconfig.RuntimeCELCostBudget)
	for _, v := range document.FromField(errs) {
		violations = append(violations, c.withRule(v))
	}
	return violations
}

// hidesRules says whether CEL rules would fail only because the object has the wrong shape; an API server does not
// run them then.
func hidesRules(errs field.ErrorList) bool {
	for _, e := range errs {
		switch e.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

// withRule replaces the error type by the text of the CEL rule: the one with the longest message that fits.
func (c *crd) withRule(v document.Violation) document.Violation {
	longest := ""
	for message, rule := range c.rules {
		if strings.HasSuffix(v.Message, message) && len(message) > len(longest) {
			longest, v.Rule = message, rule
		}
	}
	return v
}

func collectRules(s *schema.Structural, into map[string]string) {
	if s == nil {
		return
	}
	for _, rule := range s.XValidations {
		if rule.Message != "" {
			into[rule.Message] = rule.Rule
		}
	}
	for _, property := range s.Properties {
		collectRules(&property, into)
	}
	collectRules(s.Items, into)
	if s.AdditionalProperties != nil {
		collectRules(s.AdditionalProperties.Structural, into)
	}
}
