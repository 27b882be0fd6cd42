package gateway

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// certmap is the annotation by which a Gateway, or a ListenerSet for its own listeners, names a certificate map, and the label of the Secrets of its namespace
// that are the map. The name that a client asks for chooses among them.
const certmap = annotationPrefix + "certmap"

// indexCertmap files Secrets under the certificate map that they are a part of.
const indexCertmap = "gateway.certmap"

func certmapKeys(ref store.Ref, o store.Object) []string {
	name := o.GetLabels()[certmap]
	if name == "" {
		return nil
	}
	return []string{certmapKey(ref, name)}
}

// certmapKey is for the map that an object names.
func certmapKey(ref store.Ref, name string) string {
	return ref.Cluster + "/" + ref.Namespace + "/" + name
}

// mapCertificates are the Secrets of the certificate map that the holder of a listener, ref, names; none without a name.
func mapCertificates(
	v *recompute.View, name string, ref store.Ref, l *gatewayv1.Listener,
) ([]gatewayv1.SecretObjectReference, *refProblem) {
	if name == "" {
		return nil, nil
	}
	invalid := func(text string) *refProblem {
		return &refProblem{
			reason:  string(gatewayv1.ListenerReasonInvalidCertificateRef),
			message: fmt.Sprintf("Error GWCER106: %s %q is invalid, err: %s", kind.Bare(ref.Kind), ref.Namespace+"/"+ref.Name, text),
		}
	}
	if l.TLS != nil && (len(l.TLS.CertificateRefs) > 0 || l.TLS.Options[optionCertificates] != "") {
		return nil, invalid("annotation " + certmap + " and certificates of a listener exclude each other")
	}
	secrets := v.Index(indexCertmap, certmapKey(ref, name))
	if fact.Pending(v, ref.Cluster, kind.Secret) { // there may be more
		problem := invalid("the Secrets of the certificate map are not known yet")
		problem.pending = true
		return nil, problem
	}
	if len(secrets) == 0 {
		return nil, invalid(fmt.Sprintf("no Secret of namespace %s has label %s: %s", ref.Namespace, certmap, name))
	}
	var out []gatewayv1.SecretObjectReference
	for _, secret := range secrets {
		out = append(out, gatewayv1.SecretObjectReference{Name: gatewayv1.ObjectName(secret.Name)})
	}
	return out, nil
}
