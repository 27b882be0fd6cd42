package main

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
)

func request(key string) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{
		Headers: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "x-api-key", RawValue: []byte(key)}}},
	}}}
}

func TestAnswer(t *testing.T) {
	if r := answer(request("")); r.GetImmediateResponse().GetStatus().GetCode() != 401 {
		t.Errorf("without a key: %v", r)
	}
	r := answer(request("ann"))
	if m := r.GetRequestHeaders().GetResponse().GetHeaderMutation().GetSetHeaders(); len(m) != 1 || string(m[0].GetHeader().GetRawValue()) != "caller-ann" {
		t.Errorf("with a key: %v", r)
	}
	if r := answer(&extprocv3.ProcessingRequest{}); r.GetResponse() != nil {
		t.Errorf("an event that is not handled: %v", r)
	}
}
