package backend

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// Key names a backend service by what it is made of.
type Key struct {
	Scope scope.Scope
	// Imported: a ServiceImport, else a Service of the scope's cluster.
	Imported        bool
	Namespace, Name string
	Port            int32
	// GRPC: a GRPCRoute asked, so a port that says nothing of its protocol speaks HTTP/2.
	GRPC bool
	// Callout: an extension asked. What a default health check would ask, callouts don't answer.
	Callout bool
	// Ingress: an Ingress asked. What policies and appProtocol say to a Gateway, BackendConfigs and annotations of the
	// Service say to it.
	Ingress bool
	Naming  Naming
}

// String is the key of the backend's unit.
func (k Key) String() string {
	kind, protocol := "service", "http"
	if k.Imported {
		kind = "import"
	}
	switch {
	case k.Callout:
		protocol = "callout"
	case k.Ingress:
		protocol = "ingress"
	case k.GRPC:
		protocol = "grpc"
	}
	return unitkey.Join(k.Scope.String(), kind, k.Namespace, k.Name, strconv.Itoa(int(k.Port)), protocol, strconv.Itoa(int(k.Naming)))
}

// ParseKey is the inverse of String.
func ParseKey(key string) (Key, bool) {
	parts, ok := unitkey.Split(key, 7)
	if !ok {
		return Key{}, false
	}
	of, ok := scope.Parse(parts[0])
	port, err := strconv.ParseInt(parts[4], 10, 32)
	naming, err2 := strconv.ParseUint(parts[6], 10, 8)
	return Key{
		Scope: of, Imported: parts[1] == "import", Namespace: parts[2], Name: parts[3], Port: int32(port),
		GRPC: parts[5] == "grpc", Callout: parts[5] == "callout", Ingress: parts[5] == "ingress", Naming: Naming(naming),
	}, ok && err == nil && err2 == nil
}

// Ref is the Service or the ServiceImport.
func (k Key) Ref() store.Ref {
	ref := store.Ref{Cluster: k.Scope.Cluster, Kind: kind.Service, Namespace: k.Namespace, Name: k.Name}
	if k.Imported {
		ref.Kind = kind.ServiceImport
	}
	return ref
}

// isPort: only TCP ports count, of which a number has one; HTTP/3 Services have a UDP port of the same number.
func (k Key) isPort(p fleet.Port) bool {
	return p.Port == k.Port && p.Protocol == string(corev1.ProtocolTCP)
}

// target is the Service port as logs and metrics name it.
func (k Key) target() string { return k.Namespace + "/" + k.Name + ":" + strconv.Itoa(int(k.Port)) }

// Target is the object that policies name.
func (k Key) Target() policy.Target {
	t := policy.Target{Cluster: k.Scope.Cluster, Kind: policy.Service, Namespace: k.Namespace, Name: k.Name}
	if k.Imported {
		t.Kind = policy.ServiceImport
	}
	return t
}
