package metrics

import "github.com/prometheus/client_golang/prometheus"

// counterOf names a counter inside a handle.
type counterOf[T any] struct {
	desc *prometheus.Desc
	of   func(*T) *Counter
}

type gaugeOf[T any] struct {
	desc *prometheus.Desc
	of   func(*T) *Gauge
}

func serviceDesc(name, help string) *prometheus.Desc {
	return desc("backend_"+name, help, "backend_service")
}

var serviceCounters = []counterOf[Service]{
	{serviceDesc("connects_total", "Connections opened."), func(v *Service) *Counter { return &v.Connects }},
	{
		serviceDesc("connect_failures_total", "Connections that could not be opened."),
		func(v *Service) *Counter { return &v.ConnectFailures },
	},
	{
		serviceDesc("handshake_failures_total", "TLS handshakes with backends that failed."),
		func(v *Service) *Counter { return &v.HandshakeFailures },
	},
	{serviceDesc("retries_total", "Further attempts."), func(v *Service) *Counter { return &v.Retries }},
	{
		serviceDesc("retries_refused_total", "Retries that a budget or a consumed body forbade."),
		func(v *Service) *Counter { return &v.RetriesRefused },
	},
	{serviceDesc("resets_total", "Answers that were cut short."), func(v *Service) *Counter { return &v.Resets }},
	{serviceDesc("timeouts_total", "Attempts that took too long."), func(v *Service) *Counter { return &v.Timeouts }},
	{
		serviceDesc("overflows_total", "Requests refused by circuit limits."),
		func(v *Service) *Counter { return &v.Overflows },
	},
	{
		serviceDesc("unpicked_total", "Requests without a healthy endpoint."),
		func(v *Service) *Counter { return &v.Unpicked },
	},
	{
		serviceDesc("ejections_total", "Endpoints that passive health took out for a while."),
		func(v *Service) *Counter { return &v.Ejections },
	},
	{
		serviceDesc("ejections_refused_total", "Failures that would have taken an endpoint out, had not too many been out."),
		func(v *Service) *Counter { return &v.EjectionsRefused },
	},
	{serviceDesc("mirrored_total", "Mirror requests sent."), func(v *Service) *Counter { return &v.Mirrored }},
	{
		serviceDesc("mirror_failures_total", "Mirror requests that failed or were shed."),
		func(v *Service) *Counter { return &v.MirrorFailures },
	},
}

var serviceGauges = []gaugeOf[Service]{
	{serviceDesc("connections", "Open connections to backends."), func(v *Service) *Gauge { return &v.Connections }},
	{serviceDesc("ejected_endpoints", "Endpoints that passive health keeps out now."), func(v *Service) *Gauge { return &v.Ejected }},
}

func frontendDesc(name, help string) *prometheus.Desc {
	return desc("frontend_"+name, help, "frontend")
}

var frontendActiveDesc = frontendDesc("connections", "Open client connections.")

var frontendCounters = []counterOf[Frontend]{
	{frontendDesc("accepted_total", "Client connections accepted."), func(f *Frontend) *Counter { return &f.Accepted }},
	{
		frontendDesc("shed_total", "Client connections closed at once by the limit of open ones."),
		func(f *Frontend) *Counter { return &f.Shed },
	},
	{
		frontendDesc("accept_failures_total", "Client connections that could not be accepted."),
		func(f *Frontend) *Counter { return &f.AcceptFailures },
	},
	{
		frontendDesc("handshakes_total", "TLS handshakes completed."),
		func(f *Frontend) *Counter { return &f.Handshakes },
	},
	{
		frontendDesc("resumed_total", "TLS handshakes that resumed a session."),
		func(f *Frontend) *Counter { return &f.Resumed },
	},
	{
		frontendDesc("handshake_failures_total", "TLS handshakes that failed."),
		func(f *Frontend) *Counter { return &f.HandshakeFailures },
	},
	{
		frontendDesc("http1_total", "Client connections that spoke HTTP/1."),
		func(f *Frontend) *Counter { return &f.HTTP1 },
	},
	{
		frontendDesc("http2_total", "Client connections that spoke HTTP/2."),
		func(f *Frontend) *Counter { return &f.HTTP2 },
	},
}
