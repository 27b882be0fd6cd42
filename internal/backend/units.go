package backend

import (
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Unit kinds.
const (
	unitBackend = "backend"
	unitDefault = "backend.default"
	unitWeights = "backend.weights"
	// UnitClientCertificate is what a scope's Client presents to backends. Its key is ClientKey's, its value a
	// *ClientCertificate. Whoever knows the Client's kind translates it.
	UnitClientCertificate = "backend.clientcertificate"
)

// Options are what no object holds.
type Options struct {
	// Home is one more location of global scopes; "" is none.
	Home string
	// Traffic makes the Weights of a backend service; nil makes none.
	Traffic Weigher
}

// Units returns the translators of this package by unit kind. They read units of packages fleet, neg and policy.
func Units(o Options) map[string]recompute.Translator {
	return map[string]recompute.Translator{
		unitBackend: translator{o}.translate,
		unitDefault: translateDefault,
		unitWeights: translator{o}.translateWeights,
		unitProbe:   translateProbe,
	}
}
