// Package replica lets a controller that starts take over what another one keeps, so that it knows of clusters that are away and of
// the last good version of broken objects as if it had been there.
//
// In, at the one end: what is kept, as bytes, and who may have it. Out, at the other: the bytes.
//
//	replica.Register(grpcServer, keeper.encoded, allowed)
//	err := replica.Fetch(ctx, []string{"controllers.spillway-system.svc:15010"}, credentialsFor, func(kept []byte) error { ... })
//
// It is one call, Replicas.StreamState (api/fleet/v1), on the connection that proxies use, too. What is kept has private keys and
// Secrets of all clusters in it: a proxy of one region is not to have them, so allowed decides by the caller's certificate.
package replica
