package control

import (
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// RedactModel returns the model without private keys and tokens; it copies what it changes.
func RedactModel(m *lbv1.Model) *lbv1.Model {
	out := &lbv1.Model{Seq: m.GetSeq(), Resources: make([]*lbv1.Resource, len(m.GetResources()))}
	for i, r := range m.GetResources() {
		out.Resources[i] = redactResource(r)
	}
	return out
}

func redactResource(r *lbv1.Resource) *lbv1.Resource {
	if len(r.GetSslCertificate().GetPrivateKeyPem()) > 0 {
		r = proto.CloneOf(r)
		r.GetSslCertificate().PrivateKeyPem = []byte(Redacted)
	}
	if hasToken(r.GetLbRouteExtension()) || hasToken(r.GetLbTrafficExtension()) {
		r = proto.CloneOf(r)
		redactTokens(r.GetLbRouteExtension())
		redactTokens(r.GetLbTrafficExtension())
	}
	return r
}

func hasToken(x *lbv1.LbExtension) bool {
	for _, c := range x.GetChains() {
		for _, e := range c.GetExtensions() {
			if len(e.GetBearerToken()) > 0 {
				return true
			}
		}
	}
	return false
}

func redactTokens(x *lbv1.LbExtension) {
	for _, c := range x.GetChains() {
		for _, e := range c.GetExtensions() {
			if len(e.GetBearerToken()) > 0 {
				e.BearerToken = []byte(Redacted)
			}
		}
	}
}
