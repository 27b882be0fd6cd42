package gateway

import (
	"strconv"
	"strings"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/store"
)

// backendKey names a backend as routes refer to it.
type backendKey struct {
	scope Scope
	// imported: a ServiceImport, else a Service of the scope's cluster.
	imported        bool
	namespace, name string
	port            int32
	// grpc: a GRPCRoute asked, so a port that says nothing of its protocol speaks HTTP/2.
	grpc bool
}

// String is the key of the backend's unit. No part of it can hold a "|".
func (k backendKey) String() string {
	kind, protocol := "service", "http"
	if k.imported {
		kind = "import"
	}
	if k.grpc {
		protocol = "grpc"
	}
	return strings.Join([]string{k.scope.String(), kind, k.namespace, k.name, strconv.Itoa(int(k.port)), protocol}, "|")
}

// object is the Service or the ServiceImport.
func (k backendKey) object() store.Ref {
	ref := store.Ref{Cluster: k.scope.Cluster, Kind: kindService, Namespace: k.namespace, Name: k.name}
	if k.imported {
		ref.Kind = fleet.KindServiceImport
	}
	return ref
}

// target is the object that policies name.
func (k backendKey) target() policy.Target {
	t := policy.Target{Cluster: k.scope.Cluster, Kind: policy.Service, Namespace: k.namespace, Name: k.name}
	if k.imported {
		t.Kind = policy.ServiceImport
	}
	return t
}

func parseBackendKey(key string) (backendKey, bool) {
	parts := strings.Split(key, "|")
	if len(parts) != scopeParts+5 {
		return backendKey{}, false
	}
	rest := parts[scopeParts:]
	port, err := strconv.ParseInt(rest[3], 10, 32)
	return backendKey{
		scope: parseScope(parts), imported: rest[0] == "import", namespace: rest[1], name: rest[2],
		port: int32(port), grpc: rest[4] == "grpc",
	}, err == nil
}
