package calloutserver

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
)

// Set is a mutation that sets fields: names and values by turns.
func Set(pairs ...string) *extprocv3.HeaderMutation {
	m := &extprocv3.HeaderMutation{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m.SetHeaders = append(m.SetHeaders, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])}})
	}
	return m
}

// Headers answers an event of headers with a mutation; nil changes nothing.
func Headers(m *extprocv3.HeaderMutation) *extprocv3.HeadersResponse {
	return &extprocv3.HeadersResponse{Response: &extprocv3.CommonResponse{HeaderMutation: m}}
}

// Replace answers a chunk with another.
func Replace(p []byte) *extprocv3.BodyResponse {
	return body(&extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: p}})
}

// Clear answers a chunk with nothing.
func Clear() *extprocv3.BodyResponse {
	return body(&extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_ClearBody{ClearBody: true}})
}

// Piece is a chunk of the callout's own, in full duplex.
func Piece(p []byte, last bool) *extprocv3.BodyResponse {
	return body(&extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_StreamedResponse{
		StreamedResponse: &extprocv3.StreamedBodyResponse{Body: p, EndOfStream: last},
	}})
}

func body(m *extprocv3.BodyMutation) *extprocv3.BodyResponse {
	return &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{BodyMutation: m}}
}

// Immediate answers the client.
func Immediate(status int, text string) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
		Status: &typev3.HttpStatus{Code: typev3.StatusCode(status)}, Body: []byte(text),
	}}}
}
