// Package proxy runs the data plane against the standard clients: curl, h2load, wrk, net/http, grpc-go and a
// WebSocket client.
//
// Each test starts a proxy in this process, on loopback, in front of ordinary servers, and judges what the client
// reports. A client that is not installed is named in the skip, with the package that has it.
package proxy
