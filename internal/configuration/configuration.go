package configuration

import (
	"slices"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Unit kinds. All but unitStatus have one unit, whose key is empty.
const (
	unitFrontends   = "configuration.frontends"
	unitBackends    = "configuration.backends"
	unitSSLPolicies = "configuration.sslpolicies"
	unitRTT         = "configuration.rtt"
	unitExtensions  = "configuration.extensions"
	unitGoogleAPIs  = "configuration.googleapis"
	unitAddresses   = "configuration.addresses"
	unitGatewayAPI  = "configuration.gatewayapi"
	unitStatus      = "configuration.status"
)

// Units returns the translators of this package by unit kind.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		unitFrontends: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.FrontendSettings { return s.Frontends }),
		unitBackends:  list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.BackendSettings { return s.Backends }),
		unitSSLPolicies: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.SSLPolicy {
			return s.SSLPolicies
		}),
		unitRTT: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.RoundTripTime { return s.RTT }),
		unitExtensions: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.ExtensionSettings {
			if s.Extensions == nil {
				return nil
			}
			return []spillwayv1alpha1.ExtensionSettings{*s.Extensions}
		}),
		unitGoogleAPIs: listOf(func(ref store.Ref, s *spillwayv1alpha1.ConfigurationSpec) (all []GoogleAPI) {
			for i := range s.GoogleAPIs {
				all = append(all, GoogleAPI{s.GoogleAPIs[i], ref})
			}
			return all
		}),
		unitAddresses: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.NamedAddress { return s.Addresses }),
		unitGatewayAPI: list(func(s *spillwayv1alpha1.ConfigurationSpec) []spillwayv1alpha1.GatewayAPISettings {
			if s.GatewayAPI == nil {
				return nil
			}
			return []spillwayv1alpha1.GatewayAPISettings{*s.GatewayAPI}
		}),
		unitStatus: translateStatus,
	}
}

// Roots makes a unit of each Configuration.
func Roots() []recompute.Root {
	return []recompute.Root{{Kind: kind.Configuration, Unit: unitStatus}}
}

// Frontends are the settings of frontends, the first that counts first.
func Frontends(v *recompute.View) []spillwayv1alpha1.FrontendSettings {
	return value[spillwayv1alpha1.FrontendSettings](v, unitFrontends)
}

// Backends are the settings of backends, the first that counts first.
func Backends(v *recompute.View) []spillwayv1alpha1.BackendSettings {
	return value[spillwayv1alpha1.BackendSettings](v, unitBackends)
}

// SSLPolicies are the SSL policies that are defined.
func SSLPolicies(v *recompute.View) []spillwayv1alpha1.SSLPolicy {
	return value[spillwayv1alpha1.SSLPolicy](v, unitSSLPolicies)
}

// RoundTripTimes are those that differ from the estimates.
func RoundTripTimes(v *recompute.View) []spillwayv1alpha1.RoundTripTime {
	return value[spillwayv1alpha1.RoundTripTime](v, unitRTT)
}

// Extensions are the settings of service extensions.
func Extensions(v *recompute.View) []spillwayv1alpha1.ExtensionSettings {
	return value[spillwayv1alpha1.ExtensionSettings](v, unitExtensions)
}

// Strict tells whether a Configuration asks for GKE's own refusals.
func Strict(v *recompute.View) bool {
	return slices.ContainsFunc(value[spillwayv1alpha1.GatewayAPISettings](v, unitGatewayAPI), func(s spillwayv1alpha1.GatewayAPISettings) bool {
		return s.Strict
	})
}

// Address is what a NamedAddress stands for, "" if nobody said; reserved tells whether somebody named it.
func Address(v *recompute.View, name string) (address string, reserved bool) {
	for _, a := range value[spillwayv1alpha1.NamedAddress](v, unitAddresses) {
		if a.Name == name {
			return a.Address, true
		}
	}
	return "", false
}

func value[T any](v *recompute.View, unit string) []T {
	all, _ := recompute.Known[[]T](v, unit, "") // what is not listed yet is not empty
	return all
}

// list makes the translator of one list: what all Configurations have of it.
func list[T any](of func(*spillwayv1alpha1.ConfigurationSpec) []T) recompute.Translator {
	return listOf(func(_ store.Ref, s *spillwayv1alpha1.ConfigurationSpec) []T { return of(s) })
}

// listOf is list for lists whose entries know their Configuration.
func listOf[T any](of func(store.Ref, *spillwayv1alpha1.ConfigurationSpec) []T) recompute.Translator {
	return func(v *recompute.View, _ string) recompute.Result {
		if fact.Pending(v, "", kind.Configuration) {
			return recompute.Result{State: recompute.Held}
		}
		var all []T
		for _, ref := range v.List(kind.Configuration, "", "") {
			if c, ok := recompute.Get[*spillwayv1alpha1.Configuration](v, ref); ok {
				all = append(all, of(ref, &c.Spec)...)
			}
		}
		return recompute.Result{State: recompute.Present, Value: all}
	}
}
