package extension

import (
	"context"
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
)

// Filter is an extension in one exchange. Its methods are called one at a time, each as often as it says; bodies that it
// gives may be pulled at the same time as one of them runs, the request's beside the answer's.
type Filter interface {
	// Request sees the head of the request, once.
	Request(q *Request) error
	// Informational sees the head of each 1xx but 101, which is sent when it returns.
	Informational(r *Response) error
	// Response sees the head of the answer, once, unless there is none. Answers that the proxy makes are shown, too, as long
	// as Context is not done; those that a filter makes, or causes by failing, are not.
	Response(r *Response) error
	// End is called exactly once, whatever happened, when nothing calls the filter or pulls its bodies any more. It must not
	// return before the filter's own goroutines have left what belongs to the exchange.
	End(o Outcome)
}

// Pass is a filter that does nothing. Others embed it.
type Pass struct{}

var _ Filter = Pass{}

// Request implements Filter.
func (Pass) Request(*Request) error { return nil }

// Informational implements Filter.
func (Pass) Informational(*Response) error { return nil }

// Response implements Filter.
func (Pass) Response(*Response) error { return nil }

// End implements Filter.
func (Pass) End(Outcome) {}

// Outcome is how an exchange ended.
type Outcome struct {
	// Status is that of the answer; 499 for a client that left before it began, 500 when the engine has panicked before.
	Status int
	// Details is the access log's word.
	Details string
	// Complete says that the answer went out whole.
	Complete bool
	// RequestBytes and ResponseBytes are those of bodies, and of what the codec counts of heads.
	RequestBytes, ResponseBytes int64
	// Duration counts from the first byte of the request.
	Duration time.Duration
}

// Client is what is known about who asks.
type Client struct {
	// Peer and Local are the connection's ends; Address is the peer, or what trusted proxies in front say.
	Peer, Local, Address netip.AddrPort
	// Scheme is "http" or "https".
	Scheme string
	// TLSVersion ("TLS 1.3"), ServerName and PeerCertificate are of TLS; the certificate is nil for a client without one.
	TLSVersion, ServerName string
	PeerCertificate        *x509.Certificate
}

// Exchange is what a filter may know and do besides the message before it. It is good until End returns.
type Exchange interface {
	// Context is done when waiting makes no sense any more: context.Cause is context.DeadlineExceeded when the exchange's
	// time is over, and ErrEnded when the client has left or the exchange has ended otherwise. It is the same for all chains.
	Context() context.Context
	// Client is who asks.
	Client() Client
	// Region is where the client's address is, a code such as US, by the target proxy's database of places; "" if it has none, or
	// that does not know.
	Region() string
	// ForwardingRule and TargetProxy are where the request came in.
	ForwardingRule() string
	TargetProxy() string
	// Rule names the route and its rule, and Service is the backend service that was chosen: "" and nil in route chains,
	// and where the request goes to none.
	Rule() (route, rule string)
	Service() *balance.Service
	// Lookup finds a backend service in the configuration of the exchange, for a callout; nil if there is none. The second
	// is what package call needs of it.
	Lookup(name string) (*balance.Service, *call.Service)
	// Caller makes calls.
	Caller() *call.Caller
	// Choose asks for endpoints of Service, the first attempt for the first and so on, as long as they may be used; further
	// attempts choose as usual. An error says that the service has none of them in use, or that there is no service yet.
	Choose(endpoints ...netip.AddrPort) error
	// Log adds a field to the access log record, below the extension's name.
	Log(name, value string)
	// Count adds one to the metric of the extension's events. Names are words from a small closed set.
	Count(event string)
	// Failed says why the extension did not do its part, in a word and in a text for people; Worked, that it did what it was asked for.
	// One that has done neither, such as one that was not asked, says nothing. What has failed once has not worked.
	Failed(word, text string)
	Worked()
	// Transfer counts bytes that the extension has sent and received.
	Transfer(sent, received int64)
}
