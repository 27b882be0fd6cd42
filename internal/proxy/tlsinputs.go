package proxy

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// tlsInputs are the resources that a frontend's TLS policy is compiled from. Published resources never change, so the
// same pointers mean the same policy, and an edit of a route compiles no certificate.
type tlsInputs []proto.Message

func (a tlsInputs) equal(b tlsInputs) bool { return slices.Equal(a, b) }

func inputsOf(root *config.Root, target string) tlsInputs {
	t := root.TargetProxy(target)
	if t == nil {
		return nil
	}
	in := tlsInputs{t.Spec}
	for _, name := range t.Spec.GetTls().GetServerNames() {
		for _, certificate := range name.GetCertificates() {
			in = append(in, root.Certificate(certificate))
		}
		for _, trust := range name.GetClientValidation().GetTrustConfigs() {
			in = append(in, root.TrustConfig(trust))
		}
	}
	return in
}
