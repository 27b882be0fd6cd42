package sample

import (
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// grpcEcho is echo-basic's service gateway_api_conformance.echo_basic.grpcecho.GrpcEcho. Its messages are written by hand:
// they are few, and registered types would clash with those of the conformance suite in one program.
type grpcEcho struct{ base echo }

const grpcEchoService = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/"

const (
	grpcInvalidArgument = 3
	grpcUnimplemented   = 12
	// maxGRPCMessage is the limit of gRPC servers by default.
	maxGRPCMessage = 4 << 20
)

func (g *grpcEcho) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		http.Error(w, "this is a gRPC server", http.StatusUnsupportedMediaType)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	method, ours := strings.CutPrefix(r.URL.Path, grpcEchoService)
	switch {
	case !ours:
		grpcFail(w, grpcUnimplemented, "unknown service "+strings.Trim(r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')+1], "/"))
	case method == "EchoThree":
		grpcFail(w, grpcUnimplemented, "method EchoThree not implemented")
	case method != "Echo" && method != "EchoTwo":
		grpcFail(w, grpcUnimplemented, "unknown method "+method+" for service "+strings.Trim(grpcEchoService, "/"))
	default:
		g.echo(w, r)
	}
}

// echo answers with the request's method and headers. The request's own message is empty.
func (g *grpcEcho) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxGRPCMessage))
	if err != nil || len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		grpcFail(w, grpcInvalidArgument, "one message without compression is wanted")
		return
	}
	message := protowire.AppendTag(nil, 1, protowire.BytesType)
	message = protowire.AppendBytes(message, g.assertions(r))
	message = protowire.AppendTag(message, 2, protowire.BytesType)
	message = protowire.AppendBytes(message, body[5:])
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(append(frame, message...))
	w.Header().Set("Grpc-Status", "0")
}

// assertions is the message Assertions: method, headers, authority, context, TLS.
func (g *grpcEcho) assertions(r *http.Request) []byte {
	b := appendText(nil, 1, r.URL.Path)
	b = appendPair(b, ":authority", r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			b = appendPair(b, strings.ToLower(name), v)
		}
	}
	b = appendText(b, 3, r.Host)
	context := appendText(nil, 1, g.base.Namespace)
	context = appendText(context, 2, g.base.Ingress)
	context = appendText(context, 3, g.base.Service)
	context = appendText(context, 4, g.base.Pod)
	b = appendText(b, 4, string(context))
	if s := echoTLS(r.TLS); s != nil {
		state := appendText(nil, 1, s.Version)
		state = appendText(state, 2, s.NegotiatedProtocol)
		state = appendText(state, 3, s.ServerName)
		state = appendText(state, 4, s.CipherSuite)
		for _, c := range s.PeerCertificates {
			state = appendText(state, 5, c)
		}
		b = appendText(b, 5, string(state))
	}
	return b
}

// appendPair adds a message Header to field 2.
func appendPair(b []byte, key, value string) []byte {
	return appendText(b, 2, string(appendText(appendText(nil, 1, key), 2, value)))
}

// appendText adds a field of bytes; an empty one is left out, as protobuf's encoders do.
func appendText(b []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text)
}

// grpcFail ends a call with a status and no message.
func grpcFail(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Grpc-Status", strconv.Itoa(code))
	w.Header().Set("Grpc-Message", message)
	w.WriteHeader(http.StatusOK)
}
