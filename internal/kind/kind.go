// Package kind is the one table of the Kubernetes kinds that Spillway reads, makes or shows.
//
// In: nothing. Out: the table, and the names of its kinds as constants for store.Ref, index and unit keys. It imports
// nothing, so that everybody may use it.
//
//	ref := store.Ref{Cluster: cluster, Kind: kind.Gateway, Namespace: namespace, Name: name}
//	k, ok := kind.Of(ref.Kind) // k.Plural is "gateways"
//	name, group := kind.Split(ref.Kind)
//
// A kind that is new needs its row here, its Go type in package schema and, if it is printed otherwise than by name and
// age, its columns in package printer; tests of those packages hold the three together.
package kind

import "strings"

// Kind is one kind of object.
type Kind struct {
	// Name is the API's kind; Older are further versions with the same fields.
	Name, Group, Version string
	Older                []string
	// Plural and Short are what users type.
	Plural string
	Short  []string
	// Namespaced kinds have a namespace; Fleet kinds belong to no single cluster.
	Namespaced, Fleet bool
	// Custom kinds have a CRD.
	Custom bool
	// Derived kinds are shown but not read from files: they are made of others when somebody asks.
	Derived bool
}

// Ref is the kind as store.Ref has it: "Service", "Gateway.gateway.networking.k8s.io".
func (k *Kind) Ref() string { return Join(k.Name, k.Group) }

// Resource is plural.group, as kubectl's messages have it.
func (k *Kind) Resource() string { return Join(k.Plural, k.Group) }

// APIVersion is group/version.
func (k *Kind) APIVersion() string { return APIVersion(k.Group, k.Version) }

// APIVersion is group/version, or the version alone in the core group.
func APIVersion(group, version string) string {
	if group == "" {
		return version
	}
	return group + "/" + version
}

// Join puts a group behind a kind or plural.
func Join(name, group string) string {
	if group == "" {
		return name
	}
	return name + "." + group
}

// Split is the inverse of Join.
func Split(ref string) (name, group string) {
	name, group, _ = strings.Cut(ref, ".")
	return name, group
}

// Bare is a kind without its group.
func Bare(ref string) string {
	name, _ := Split(ref)
	return name
}

// Of finds a kind by what store.Ref calls it.
func Of(ref string) (Kind, bool) {
	for _, k := range All() {
		if k.Ref() == ref {
			return k, true
		}
	}
	return Kind{}, false
}
