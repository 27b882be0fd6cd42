// Package downstream is the client's side of the proxy: the mirror of upstream.
//
// In: accepted connections (Server.Serve), with TLS or without, and the exchange.Engine that runs what they ask for. Out:
// requests as exchanges, and their answers on the wire. A connection over HTTP/1 is h1Conn, and h1Answer writes what an
// exchange answers; over HTTP/2 they are h2Conn and h2Answer. Server knows every connection, to drain and to end them.
package downstream
