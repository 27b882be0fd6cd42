package callout

import (
	"context"
	"fmt"

	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// dialer opens streams on behalf of an exchange.
func (s *Settings) dialer(x extension.Exchange) func() (pipe, error) {
	return s.dialerIn(x, x.Context)
}

// dialerIn opens streams that last no longer than a context, which may be longer than the exchange.
func (s *Settings) dialerIn(x extension.Exchange, ctx func() context.Context) func() (pipe, error) {
	version, service := x.Lookup(s.service)
	caller, client := x.Caller(), x.Client().Address
	return func() (pipe, error) {
		if version == nil {
			err := fmt.Errorf("backend service %q does not exist", s.service)
			return nil, &Failure{Cause: CauseConfig, Status: frame.Status{Code: frame.Unavailable, Message: err.Error()}, Err: err}
		}
		stream, err := caller.OpenStream(ctx(), &call.Opening{
			Version: version, Service: service, Request: openingRequest(s.authority, s.bearer), Client: client, Within: s.timeout,
		})
		if err != nil {
			return nil, failureOf(err)
		}
		return stream, nil
	}
}
