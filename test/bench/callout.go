package main

import (
	"flag"
	"net"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// serveCallout is the callout of all peers: it sets a field, and leaves bodies as they are.
func serveCallout(args []string) error {
	f := flag.NewFlagSet("callout", flag.ExitOnError)
	port := f.Int("listen", 0, "port")
	duplex := f.Bool("duplex", false, "bodies come in full duplex")
	_ = f.Parse(args)
	l, err := net.Listen("tcp", address(*port))
	if err != nil {
		return err
	}
	e := calloutserver.Events{
		RequestHeaders: func(*extprocv3.HttpHeaders) *extprocv3.HeadersResponse {
			return calloutserver.Headers(calloutserver.Set("x-callout", "seen"))
		},
		RequestBody: func(b *extprocv3.HttpBody) *extprocv3.BodyResponse {
			if *duplex {
				return calloutserver.Piece(b.GetBody(), b.GetEndOfStream())
			}
			return &extprocv3.BodyResponse{}
		},
	}
	return calloutserver.New(e.Process).Serve(l)
}

// addCallout puts a case's extension into a model.
func (s setup) addCallout(proxy *lbv1.TargetProxy, add func(name string, r *lbv1.Resource)) {
	switch s.callout {
	case noCallout:
		return
	case pluginHeaders:
		s.addPlugin(proxy, add)
		return
	}
	proxy.TrafficExtension = "extension"
	e := &lbv1.Extension{
		Name: "callout", Target: &lbv1.Extension_BackendService{BackendService: "callout"}, Authority: "callout",
		Events: []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS},
	}
	chain := &lbv1.ExtensionChain{Name: "chain", Extensions: []*lbv1.Extension{e}}
	switch s.callout {
	case calloutNoMatch:
		chain.Match = []*lbv1.MatchExpression{{Cel: `request.path.startsWith("/none") && request.headers["x-env"] == "canary"`}}
	case calloutDuplex:
		e.RequestBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED
		e.Events = append(e.Events, lbv1.Extension_REQUEST_TRAILERS, lbv1.Extension_REQUEST_BODY)
	case calloutStreamed:
		e.Events = append(e.Events, lbv1.Extension_REQUEST_BODY)
	}
	add("extension", &lbv1.Resource{Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: &lbv1.LbExtension{
		Chains: []*lbv1.ExtensionChain{chain},
	}}})
	add("callout", &lbv1.Resource{Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
		Protocol: lbv1.BackendProtocol_H2C, Backends: []*lbv1.Backend{{Group: "callout"}},
	}}})
	add("callout", &lbv1.Resource{Body: &lbv1.Resource_NetworkEndpointGroup{
		NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1},
	}})
	add("callout/0", &lbv1.Resource{Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
		Group: "callout", Endpoints: []*lbv1.Endpoint{{Address: "127.0.0.1", Port: uint32(s.Callout)}},
	}}})
}

// Calls says that requests meet a callout, Body how its body goes there in Envoy's words.
func (s setup) Calls() bool {
	return s.callout == calloutHeaders || s.callout == calloutStreamed || s.callout == calloutDuplex
}

func (s setup) Body() string {
	switch s.callout {
	case calloutStreamed:
		return "STREAMED"
	case calloutDuplex:
		return "FULL_DUPLEX_STREAMED"
	}
	return "NONE"
}

func (s setup) Trailers() string {
	if s.callout == calloutDuplex {
		return "SEND"
	}
	return "SKIP"
}
