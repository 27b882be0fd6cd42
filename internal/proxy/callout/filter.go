package callout

import (
	"errors"
	"net/netip"
	"strconv"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// filter is a callout in one exchange.
type filter struct {
	extension.Pass
	settings *Settings
	x        extension.Exchange
	failing  *extension.Failing
	session  *session
	bodies   [2]*body
	// attributes go with the first message.
	attributes []byte
}

var _ extension.Filter = (*filter)(nil)

// newFilter makes one whose stream dial opens, once there is something to say.
func newFilter(s *Settings, x extension.Exchange, dial func() (pipe, error)) *filter {
	f := &filter{
		settings: s, x: x, failing: extension.NewFailing(x, s.failOpen), session: newSession(dial, s.timeout, s.core()),
	}
	if c := x.Caller(); c != nil {
		f.session.guard = c.Guard
	}
	return f
}

// Request implements extension.Filter.
func (f *filter) Request(q *extension.Request) error {
	f.attributes = appendAttributes(nil, f.settings.attributes, f.x, q)
	return f.handle(request, requestFields{q}, pseudoOfRequest(q), endsRequest(q))
}

// Response implements extension.Filter.
func (f *filter) Response(r *extension.Response) error {
	return f.handle(response, responseFields{r}, pseudoOfResponse(r), !r.HasBody())
}

// handle shows the callout the head of a side, and puts it before the body that follows, unless it ends there.
func (f *filter) handle(s side, m subject, pseudo []pair, ends bool) error {
	var b *body
	if f.settings.duplex[s] && !ends && f.session.wants(s, chunk) {
		b = newBody(f, s, m.Body())
		if err := m.SetBody(b, message.UnknownLength); err != nil {
			return err
		}
		f.bodies[s] = b
	}
	if f.session.wants(s, head) {
		if err := f.askHead(s, m, pseudo, ends, b); err != nil {
			return err
		}
	} else if b != nil {
		b.start()
	}
	if b == nil && !ends {
		return f.wrap(s, m)
	}
	return nil
}

// askHead shows the head, and does what the callout says of it. In full duplex the body is sent meanwhile: a callout may want
// all of it first.
func (f *filter) askHead(s side, m subject, pseudo []pair, ends bool, b *body) error {
	list := selected{m, f.settings.forward}
	err := f.send(s, head, ends, func(dst []byte) []byte { return appendHead(dst, s, pseudo, list, ends) })
	if err != nil {
		return f.failed(err)
	}
	if b != nil {
		b.start()
	}
	a, err := f.session.await(s)
	if err != nil {
		return f.failed(err)
	}
	f.metadata(a.metadata)
	if err := mutate(m, a.common.GetHeaderMutation()); err != nil {
		return f.failed(mutationFailure(err))
	}
	if a.common.GetStatus() == extprocv3.CommonResponse_CONTINUE_AND_REPLACE {
		return f.replace(m, a.common.GetBodyMutation(), b)
	}
	return nil
}

// replace obeys CONTINUE_AND_REPLACE: the callout sees no more of this side.
func (f *filter) replace(m subject, by *extprocv3.BodyMutation, b *body) error {
	var p []byte
	switch v := by.GetMutation().(type) {
	case *extprocv3.BodyMutation_Body:
		p = v.Body
	case *extprocv3.BodyMutation_ClearBody:
		if !v.ClearBody {
			return nil
		}
	default:
		if b != nil {
			b.through = true
		}
		return nil
	}
	switch {
	case m.bodiless():
		return nil
	case len(p) == 0:
		return allowed(m.SetBody(nil, 0))
	}
	return allowed(m.SetBody(extension.NewLiteral(p), int64(len(p))))
}

// wrap puts the callout before a body that is not sent in full duplex.
func (f *filter) wrap(s side, m subject) error {
	chunks, trailers := f.session.wants(s, chunk), f.session.wants(s, tail)
	if !chunks && !trailers {
		return nil
	}
	length := int64(message.UnknownLength)
	if !chunks {
		length = lengthOf(m)
	}
	b := newBody(f, s, m.Body())
	f.bodies[s] = b
	return allowed(m.SetBody(b, length))
}

// send sends a message, with what every message has and what the first one has.
func (f *filter) send(s side, p part, last bool, encode func(dst []byte) []byte) error {
	return f.session.send(s, p, last, func(dst []byte, first bool) []byte {
		if dst = append(encode(dst), f.settings.common...); first {
			dst = append(append(dst, f.settings.first...), f.attributes...)
		}
		return dst
	})
}

// failed is what becomes of an exchange whose callout has nothing more to say. nil: it goes on without.
func (f *filter) failed(err error) error {
	if err == errFinished {
		return nil
	}
	f.session.fail(err)
	return f.failing.Fail(err)
}

func mutationFailure(err error) *Failure {
	return &Failure{Cause: CauseMutation, Status: frame.Status{Code: frame.Internal, Message: err.Error()}, Err: err}
}

const (
	endpointsKey = "com.google.envoy.dynamic_forwarding.selected_endpoints"
	primaryKey   = "primary"
)

// metadata obeys what a callout says of the endpoint: IP:port, which the backend service must have.
func (f *filter) metadata(m *structpb.Struct) {
	v := m.GetFields()[endpointsKey].GetStructValue().GetFields()[primaryKey].GetStringValue()
	if v == "" || f.settings.Kind != extension.Traffic {
		return
	}
	at, err := netip.ParseAddrPort(v)
	if err == nil {
		err = f.x.Choose(at)
	}
	if err != nil {
		f.x.Log("selectedEndpoint", v+": "+err.Error())
		f.x.Count("endpoint_refused")
	}
}

// End implements extension.Filter.
func (f *filter) End(extension.Outcome) {
	s := f.session
	p, err := s.leave()
	for _, b := range f.bodies {
		if b != nil {
			b.stop(p)
		}
	}
	if p == nil {
		if p, _ = s.leave(); p == nil { // a feeder may have opened it meanwhile
			return
		}
	}
	s.helped(p)
	f.log(p, err)
	p.Close()
}

// log says how the stream went.
func (f *filter) log(p pipe, err error) {
	status := frame.Status{}
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		status = failure.Status
	case err == errLeft:
		status = frame.Status{Code: frame.Cancelled}
	}
	s := f.session
	if failure == nil && s.in.messages > 0 {
		f.x.Worked()
	}
	f.x.Log("grpcStatus", status.Code.String())
	f.x.Log("endpoint", p.Endpoint())
	f.x.Log("sentMessages", strconv.FormatInt(s.out.messages, 10))
	f.x.Log("sentBytes", strconv.FormatInt(s.out.bytes, 10))
	f.x.Log("receivedMessages", strconv.FormatInt(s.in.messages, 10))
	f.x.Log("receivedBytes", strconv.FormatInt(s.in.bytes, 10))
	f.x.Count("grpc_" + status.Code.String())
	f.x.Transfer(s.out.bytes, s.in.bytes)
}
