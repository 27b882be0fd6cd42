package names_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/names"
)

func TestIngressNamesHaveTheSecondSchemesShape(t *testing.T) {
	n := names.ForIngress("0123456789", "default", "neg-demo-ing")
	for name, pattern := range map[string]string{
		n.ForwardingRule(false): `^k8s2-fr-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.ForwardingRule(true):  `^k8s2-fs-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.TargetProxy(false):    `^k8s2-tp-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.TargetProxy(true):     `^k8s2-ts-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.URLMap():              `^k8s2-um-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.RedirectMap():         `^k8s2-rm-[0-9a-z]{8}-default-neg-demo-ing-[0-9a-z]{8}$`,
		n.Certificate("PEM"):    `^k8s2-cr-[0-9a-z]{8}-[0-9a-z]{16}-[0-9a-f]{16}$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(name) {
			t.Errorf("%q does not match %s", name, pattern)
		}
	}
	// Of the 36 characters, 18 go to each of two fields of 40.
	long := names.ForIngress("u", strings.Repeat("n", 40), strings.Repeat("i", 40)).URLMap()
	if len(long) > 63 || !strings.Contains(long, "-"+strings.Repeat("n", 18)+"-"+strings.Repeat("i", 18)+"-") {
		t.Errorf("%q, %d characters", long, len(long))
	}
	if names.ForIngress("u", "a-b", "c").URLMap() == names.ForIngress("u", "a", "b-c").URLMap() {
		t.Error("two Ingresses have one name")
	}
}
