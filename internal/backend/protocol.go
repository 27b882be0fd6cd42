package backend

import (
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// protocolOf reads a port's appProtocol. One that says nothing is HTTP/1.1, for a GRPCRoute HTTP/2 without TLS.
func protocolOf(appProtocol string, grpc bool) lbv1.BackendProtocol {
	switch strings.ToLower(appProtocol) {
	case "https", "wss", "kubernetes.io/wss":
		if grpc {
			return lbv1.BackendProtocol_HTTP2
		}
		return lbv1.BackendProtocol_HTTPS
	case "http2":
		return lbv1.BackendProtocol_HTTP2
	case "kubernetes.io/h2c", "grpc", "h2c":
		return lbv1.BackendProtocol_H2C
	}
	if grpc {
		return lbv1.BackendProtocol_H2C
	}
	return lbv1.BackendProtocol_HTTP
}

// checkType is the default probe. What speaks HTTP/2 without TLS is most often gRPC, which has no page at "/": a
// connection is all that can be asked of it, and of callouts.
func (k Key) checkType(p lbv1.BackendProtocol) lbv1.HealthCheck_Type {
	if k.Callout {
		return lbv1.HealthCheck_TCP
	}
	switch p {
	case lbv1.BackendProtocol_HTTPS:
		return lbv1.HealthCheck_HTTPS
	case lbv1.BackendProtocol_HTTP2:
		return lbv1.HealthCheck_HTTP2
	case lbv1.BackendProtocol_H2C:
		return lbv1.HealthCheck_TCP
	}
	return lbv1.HealthCheck_HTTP
}

// knownProtocol tells whether protocolOf knows what an appProtocol means.
func knownProtocol(appProtocol string) bool {
	switch strings.ToLower(appProtocol) {
	case "", "http", "http/1.1", "https", "http2", "h2c", "grpc", "tcp", "ws", "wss", "kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss":
		return true
	}
	return false
}
