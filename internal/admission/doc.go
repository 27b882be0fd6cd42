// Package admission answers API servers that ask before they take an object: a validating and a mutating webhook.
//
// In: AdmissionReviews (admission.k8s.io/v1), the store, and what the next round of translation would say of a candidate. Out: to
// /validate/CLUSTER a refusal, or warnings; to /pods/CLUSTER the patch that adds readiness gates.
//
//	s := admission.New(admission.Config{Store: s, Foresee: loop.Foresee, Fresh: fresh, Gates: negcontroller.Gates})
//	http.Handle("/", s.Handler())
//
// Nobody waits for it in vain: what it cannot judge (an object of another controller, a cluster that it does not hear of, a failure of its
// own) is let through. What it refuses is decided by package validate, as for `spillway validate`. It changes nothing, so dry runs are
// answered like any other.
package admission
