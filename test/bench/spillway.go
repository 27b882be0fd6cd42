package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func spillwayVersion(o options) (string, error) {
	if _, err := os.Stat(o.spillway); err != nil {
		return "", fmt.Errorf("no binary at %s; `make build` makes it", o.spillway)
	}
	return o.spillway, nil
}

func spillwayCommand(env ...string) func(options, setup) ([]string, []string, error) {
	return func(o options, s setup) ([]string, []string, error) {
		if err := s.writePlugin(); err != nil {
			return nil, nil, err
		}
		model, err := spillwayModel(s)
		if err != nil {
			return nil, nil, err
		}
		text, err := protojson.Marshal(model)
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(s.Dir, "model.json")
		argv := []string{o.spillway, "proxy", "--config", file, "--admin", address(s.Admin)}
		return env, argv, os.WriteFile(file, text, 0o600)
	}
}

func baselineVersion(o options) (string, error) {
	if o.baseline == "" {
		return "", errors.New("no -baseline given")
	}
	return o.baseline, nil
}

func baselineCommand(o options, s setup) (env, argv []string, err error) {
	o.spillway = o.baseline
	return spillwayCommand("GOMAXPROCS=1")(o, s)
}

// spillwayModel is the model of one case: one front, one backend service, its routes.
func spillwayModel(s setup) (*lbv1.Model, error) {
	m := &lbv1.Model{Seq: 1}
	add := func(name string, r *lbv1.Resource) {
		r.Name = name
		m.Resources = append(m.Resources, r)
	}
	proxy := &lbv1.TargetProxy{UrlMap: "map", Via: "1.1 google"}
	if s.tls {
		pair, err := readPair(s.Pair)
		if err != nil {
			return nil, err
		}
		add("cert", &lbv1.Resource{Body: &lbv1.Resource_SslCertificate{SslCertificate: pair}})
		proxy.Tls = &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{Certificates: []string{"cert"}}}}
	}
	s.addCallout(proxy, add)
	add("rule", &lbv1.Resource{Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
		Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Port: uint32(s.Listen), TargetProxy: "proxy",
		Vips: []*lbv1.Vip{{Address: "127.0.0.1"}},
	}}})
	add("proxy", &lbv1.Resource{Body: &lbv1.Resource_TargetProxy{TargetProxy: proxy}})
	add("map", &lbv1.Resource{Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
		DefaultService: "none", ListenerHosts: []string{"*"},
	}}})
	add("none", &lbv1.Resource{Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}})
	service := &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "neg"}}}
	if s.http2Up {
		service.Protocol = lbv1.BackendProtocol_H2C
	}
	add("back", &lbv1.Resource{Body: &lbv1.Resource_BackendService{BackendService: service}})
	add("neg", &lbv1.Resource{Body: &lbv1.Resource_NetworkEndpointGroup{
		NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1},
	}})
	add("neg/0", &lbv1.Resource{Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
		Group: "neg", Endpoints: []*lbv1.Endpoint{{Address: "127.0.0.1", Port: uint32(s.Backend)}},
	}}})
	for i, prefix := range append(s.Prefixes(), "/") {
		precedence := fmt.Sprintf("%06d", i)
		add("map/*/*/"+precedence, &lbv1.Resource{Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
			UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: precedence, Route: "bench/bench",
			Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: prefix}},
			Grpc:  s.grpc,
			Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
				Backends: []*lbv1.WeightedBackend{{BackendService: "back", Weight: 1}},
			}},
		}}})
	}
	return m, nil
}

func readPair(p keyPair) (*lbv1.SslCertificate, error) {
	chain, err := os.ReadFile(p.cert)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(p.key)
	return &lbv1.SslCertificate{CertificateChainPem: chain, PrivateKeyPem: key}, err
}

// profile writes a CPU profile of the window to a file.
func profile(s setup, window time.Duration, file string) error {
	answer, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", address(s.Admin), window.Seconds()))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, answer.Body)
	return err
}
