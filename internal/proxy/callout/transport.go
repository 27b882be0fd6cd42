package callout

import (
	"errors"
	"fmt"

	"github.com/spillway-lb/spillway/internal/grpccode"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// path is where ext_proc servers take streams.
var path = []byte("/envoy.service.ext_proc.v3.ExternalProcessor/Process")

// openingRequest is the head of a stream.
func openingRequest(authority, bearer string) *message.Request {
	q := &message.Request{
		Method: []byte("POST"), Scheme: message.SchemeHTTPS, Authority: []byte(authority), Path: path, ContentLength: message.UnknownLength,
		Major: 2,
	}
	q.Header.AddID(header.TE, []byte("trailers"))
	q.Header.AddID(header.ContentType, grpcType)
	q.Header.AddID(header.UserAgent, []byte("spillway"))
	if bearer != "" {
		q.Header.AddID(header.Authorization, []byte("Bearer "+bearer))
	}
	return q
}

var grpcType = []byte("application/grpc")

// checkHead says why the head of an answer is not gRPC's.
func checkHead(res *message.Response) error {
	if res.Status != 200 {
		return &Failure{
			Cause: "status", Status: frame.Status{Code: grpccode.OfHTTP(res.Status), Message: fmt.Sprintf("HTTP status %d", res.Status)},
			Err: fmt.Errorf("the callout answered with the HTTP status %d", res.Status),
		}
	}
	if kind, _ := res.Header.Get(header.ContentType); !frame.IsContentType(kind) {
		return protocolFailure(fmt.Errorf("the callout does not speak gRPC: its content-type is %q", kind))
	}
	return nil
}

// failureOf makes a failure of what a stream or the frames in it say.
func failureOf(err error) error {
	var own *Failure
	if errors.As(err, &own) {
		return own
	}
	var c *call.Failure
	if !errors.As(err, &c) {
		return protocolFailure(err)
	}
	f := &Failure{Cause: Cause(c.Cause), Err: c, Status: frame.Status{Code: frame.Unavailable, Message: c.Error()}}
	switch c.Cause {
	case call.Timeout:
		f.Status.Code = frame.DeadlineExceeded
	case call.Canceled:
		f.Status.Code = frame.Cancelled
	case call.Status:
		f.Status.Code = grpccode.OfHTTP(c.Status)
	case call.Overflow:
		f.Status.Code = frame.ResourceExhausted
	}
	if near := connectionCause(err); near != "" {
		f.Cause = near
	}
	return f
}
