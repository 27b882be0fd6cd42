package accesslog

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/field"
)

// appendEntry appends one LogEntry as a JSON line.
func appendEntry(b []byte, p *Policy, r *Record, project, number string) []byte {
	b = appendRequest(append(b, '{'), r)
	b = appendPayload(b, p, r, number)
	b = appendResource(b, r, project)
	b = append(b, `"severity":"`...)
	b = append(b, severity(r.Status)...)
	b = append(b, `","timestamp":"`...)
	b = r.Start.Add(r.Latency).UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","logName":"projects/`...)
	b = appendText(b, project)
	b = append(b, `/logs/requests"`...)
	if len(r.Trace) > 0 {
		b = append(b, `,"trace":"projects/`...)
		b = appendText(b, project)
		b = append(b, `/traces/`...)
		b = appendText(b, r.Trace)
		b = append(b, `","spanId":"`...)
		b = appendText(b, r.Span)
		b = append(b, `","traceSampled":`...)
		b = strconv.AppendBool(b, r.Sampled)
	}
	return append(b, '}', '\n')
}

// severity follows Google's load balancers: INFO, and WARNING from 400 on.
func severity(status int) string {
	if status >= 400 || status == 0 {
		return "WARNING"
	}
	return "INFO"
}

func appendRequest(b []byte, r *Record) []byte {
	b = append(b, `"httpRequest":{"requestMethod":"`...)
	b = appendText(b, r.Method)
	b = append(b, `","requestUrl":"`...)
	b = append(b, r.Scheme...)
	b = append(b, `://`...)
	host := len(b)
	b = appendText(b, r.Authority)
	field.Lower(b[host:]) // so that one host has one name in the log
	b = appendText(b, r.Path)
	// int64 is a string in the JSON form of protocol buffers.
	b = append(b, `","requestSize":"`...)
	b = strconv.AppendInt(b, r.RequestBytes, 10)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, `,"responseSize":"`...)
	b = strconv.AppendInt(b, r.ResponseBytes, 10)
	b = append(b, '"')
	b = appendOptionalText(b, `,"userAgent":"`, r.UserAgent)
	b = appendAddr(b, `,"remoteIp":"`, r.Client)
	b = appendAddr(b, `,"serverIp":"`, r.Endpoint)
	b = appendOptionalText(b, `,"referer":"`, r.Referer)
	b = append(b, `,"latency":"`...)
	b = appendSeconds(b, r.Latency)
	b = append(b, `","protocol":"`...)
	b = append(b, r.Protocol...)
	return append(b, `"},`...)
}

func appendPayload(b []byte, p *Policy, r *Record, number string) []byte {
	b = append(b, `"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",`...)
	b = append(b, `"statusDetails":"`...)
	b = append(append(b, r.Details...), '"')
	b = appendOptionalText(b, `,"reason":"`, r.Reason)
	b = append(b, `,"backendTargetProjectNumber":"projects/`...)
	b = appendText(b, number)
	b = append(b, '"')
	b = appendAddr(b, `,"remoteIp":"`, r.Client)
	b = appendOptionalText(b, `,"backendTarget":"`, r.BackendTarget)
	b = appendOptionalText(b, `,"backendGroup":"`, r.Group)
	if p.fields&fieldProxyStatus != 0 {
		b = appendProxyStatus(b, r.Details)
	}
	if p.fields&fieldLatencies != 0 {
		b = appendLatencies(b, r)
	}
	if p.fields&fieldRoute != 0 {
		b = appendOptionalText(b, `,"route":"`, r.Route)
		b = appendOptionalText(b, `,"rule":"`, r.Rule)
	}
	if p.fields&fieldAttempts != 0 && r.Attempts > 1 {
		b = append(b, `,"attempts":`...)
		b = strconv.AppendInt(b, int64(r.Attempts), 10)
	}
	if p.fields&fieldGRPC != 0 && r.GRPCStatus >= 0 {
		b = append(b, `,"grpcStatus":`...)
		b = strconv.AppendInt(b, int64(r.GRPCStatus), 10)
	}
	if p.fields&fieldTLS != 0 && r.TLSProtocol != "" {
		b = append(b, `,"tls":{"protocol":"`...)
		b = append(b, r.TLSProtocol...)
		b = append(b, `","cipher":"`...)
		b = append(b, r.TLSCipher...)
		b = append(b, '"')
		b = appendOptionalText(b, `,"sni":"`, r.ServerName)
		b = append(b, '}')
	}
	b = appendExtensions(b, r.Extensions)
	return append(b, `},`...)
}

// appendExtensions names chains and extensions where Google's load balancers do.
func appendExtensions(b []byte, list []Extension) []byte {
	for i := range list {
		e := &list[i]
		if i == 0 {
			b = append(b, `,"serviceExtensionInfo":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(append(b, `{"type":"`...), e.Kind...)
		b = appendText(append(b, `","chain":"`...), e.Chain)
		b = appendText(append(b, `","extension":"`...), e.Name)
		b = append(append(b, `","outcome":"`...), e.Outcome...)
		b = appendSeconds(append(b, `","latency":"`...), e.Latency)
		b = append(b, '"')
		for j, f := range e.Fields {
			if j == 0 {
				b = append(b, `,"fields":[`...)
			} else {
				b = append(b, ',')
			}
			b = appendText(append(b, `{"name":"`...), f.Name)
			b = appendText(append(b, `","value":"`...), f.Value)
			b = append(b, `"}`...)
		}
		if len(e.Fields) > 0 {
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	if len(list) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendLatencies(b []byte, r *Record) []byte {
	if !r.Endpoint.IsValid() {
		return b
	}
	b = append(b, `,"backendLatency":"`...)
	b = appendSeconds(b, r.BackendLatency)
	b = append(b, `","backendFirstByteLatency":"`...)
	b = appendSeconds(b, r.FirstByteLatency)
	b = append(b, `","proxyLatency":"`...)
	b = appendSeconds(b, max(0, r.Latency-r.BackendLatency))
	return append(b, '"')
}

func appendResource(b []byte, r *Record, project string) []byte {
	b = append(b, `"resource":{"type":"http_load_balancer","labels":{"project_id":"`...)
	b = appendText(b, project)
	b = append(b, '"')
	b = appendOptionalText(b, `,"forwarding_rule_name":"`, r.ForwardingRule)
	b = appendOptionalText(b, `,"target_proxy_name":"`, r.TargetProxy)
	b = appendOptionalText(b, `,"url_map_name":"`, r.URLMap)
	b = appendOptionalText(b, `,"backend_service_name":"`, r.BackendService)
	b = appendOptionalText(b, `,"backend_zone":"`, r.Zone)
	b = appendOptionalText(b, `,"region":"`, r.Region)
	return append(b, `}},`...)
}

func appendOptionalText[T ~string | ~[]byte](b []byte, key string, value T) []byte {
	if len(value) == 0 {
		return b
	}
	b = append(b, key...)
	b = appendText(b, value)
	return append(b, '"')
}

func appendAddr(b []byte, key string, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return b
	}
	b = append(b, key...)
	b = a.Addr().Unmap().AppendTo(b)
	return append(b, '"')
}

// appendSeconds writes a duration as protocol buffers do: "0.001234s".
func appendSeconds(b []byte, d time.Duration) []byte {
	us := max(0, int64(d/time.Microsecond))
	b = strconv.AppendInt(b, us/1_000_000, 10)
	b = append(b, '.')
	frac := us % 1_000_000
	for unit := int64(100_000); unit > 0; unit /= 10 {
		b = append(b, byte('0'+frac/unit%10))
	}
	return append(b, 's')
}
