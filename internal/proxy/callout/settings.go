package callout

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	modev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// DefaultTimeout is that of an answer where an extension has none. The limits are Google's, and no wait below what a scheduler holds.
const (
	DefaultTimeout = time.Second
	MinTimeout     = 10 * time.Millisecond
	MaxTimeout     = 10 * time.Second
)

// Settings are those of one callout, compiled once.
type Settings struct {
	// Kind is where its chain stands, Policy what it must not change.
	Kind   extension.Kind
	Policy *extension.Policy

	service   string
	authority string
	bearer    string
	events    Event
	duplex    [2]bool
	timeout   time.Duration
	failOpen  bool
	observes  bool
	forward   map[string]bool
	// attributes are those that the callout gets with its first message.
	attributes []attribute
	// common is in every message, first in the first one beside it.
	common, first []byte
}

// Compile makes settings of an extension whose target is a backend service. resource and chain name it in metadata_context.
func Compile(kind extension.Kind, resource, chain string, e *lbv1.Extension) (*Settings, error) {
	s := &Settings{
		Kind: kind, Policy: extension.CalloutPolicy(kind),
		service: e.GetBackendService(), authority: e.GetAuthority(), bearer: string(e.GetBearerToken()),
		timeout: DefaultTimeout, failOpen: e.GetFailOpen(), observes: e.GetObservabilityMode(),
	}
	var err error
	if s.attributes, err = attributesOf(e.GetForwardAttributes()); err != nil {
		return nil, err
	}
	if d := e.GetTimeout(); d != nil {
		s.timeout = d.AsDuration()
	}
	for _, ev := range e.GetEvents() {
		s.events |= modelEvents[ev]
	}
	s.duplex[request] = s.events&RequestBody != 0 && e.GetRequestBodySendMode() == lbv1.Extension_FULL_DUPLEX_STREAMED
	s.duplex[response] = s.events&ResponseBody != 0 && e.GetResponseBodySendMode() == lbv1.Extension_FULL_DUPLEX_STREAMED
	if list := e.GetForwardHeaders(); len(list) > 0 {
		s.forward = map[string]bool{}
		for _, name := range list {
			s.forward[strings.ToLower(name)] = true
		}
	}
	return s, s.encode(kind, resource, chain, e)
}

// overridable: mode_override counts for traffic extensions alone.
func (s *Settings) core() core { return newCore(s.events, s.duplex, s.Kind == extension.Traffic) }

// encode makes the parts of messages that are the same for all exchanges.
func (s *Settings) encode(kind extension.Kind, resource, chain string, e *lbv1.Extension) error {
	common := &extprocv3.ProcessingRequest{ObservabilityMode: s.observes}
	if len(e.GetMetadata()) > 0 {
		values := &structpb.Struct{Fields: map[string]*structpb.Value{}}
		for k, v := range e.GetMetadata() {
			values.Fields[k] = structpb.NewStringValue(v)
		}
		common.MetadataContext = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{namespace(kind, resource, chain, e.GetName()): values}}
	}
	first := &extprocv3.ProcessingRequest{ProtocolConfig: &extprocv3.ProtocolConfiguration{
		RequestBodyMode: s.mode(request), ResponseBodyMode: s.mode(response), SendBodyWithoutWaitingForHeaderResponse: s.duplex[request],
	}}
	var err error
	deterministic := proto.MarshalOptions{Deterministic: true}
	if s.common, err = deterministic.Marshal(common); err != nil {
		return err
	}
	s.first, err = deterministic.Marshal(first)
	return err
}

// namespace is what metadata is under.
func namespace(kind extension.Kind, resource, chain, name string) string {
	short := resource[strings.LastIndexByte(resource, '/')+1:]
	return "com.google.lb_" + kind.String() + "_extension." + short + "." + chain + "." + name
}

func (s *Settings) mode(at side) modev3.ProcessingMode_BodySendMode {
	_, b, _ := at.events()
	switch {
	case s.events&b == 0:
		return modev3.ProcessingMode_NONE
	case s.duplex[at]:
		return modev3.ProcessingMode_FULL_DUPLEX_STREAMED
	}
	return modev3.ProcessingMode_STREAMED
}

// New makes the filter of one exchange.
func (s *Settings) New(x extension.Exchange) extension.Filter {
	if s.observes {
		return newObserver(s, x)
	}
	return newFilter(s, x, s.dialer(x))
}
