// Package proxytls compiles the model's TLS settings into crypto/tls configurations, for both sides of the proxy.
//
// In: lbv1.DownstreamTls and lbv1.BackendTls, and a Resources that finds the certificates and trust configs they name,
// parsed once with ParseCertificate and ParseTrustConfig. Out:
//
//   - ServerPolicy, immutable: which certificates and which client validation a server name gets.
//   - Hosts, the table of server names behind it, also for checks of requests against their connection's (421).
//   - Server, what a listener holds: its Config stays the same for the listener's life while Set changes the policy
//     under it, so a certificate is replaced without touching a connection.
//   - Tickets, the session ticket keys of the process. All servers share them, so sessions resume after a reload, on
//     another listener, and, where the keys are Set from outside, on another process.
//   - CompileClient, the configuration for connections to backends.
//
// Nothing here reads a clock but crypto/tls itself; Tickets.Tick is given the time.
package proxytls

// Resources finds what settings name. A missing resource is nil.
type Resources interface {
	Certificate(name string) *Certificate
	TrustConfig(name string) *TrustConfig
}
