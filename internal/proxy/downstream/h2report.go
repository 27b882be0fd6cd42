package downstream

import (
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
)

// h2Verdict is what an event of an HTTP/2 connection means. Events of streams whose exchange has begun mean nothing here:
// the exchange has a log line of its own.
type h2Verdict struct {
	// limit counts it as a limit or time-out, flood as abuse, refused as a request that was not routed.
	limit, flood, refused bool
	// details is for the access log; none if empty.
	details accesslog.Details
	// status is 0 where the client got no answer but a reset.
	status int
}

func judgeH2(reason http2.Reason) h2Verdict {
	switch reason {
	case http2.ReasonIdle, http2.ReasonStreamIdle, http2.ReasonSlowWindow, http2.ReasonSlowWrite, http2.ReasonPingTimeout,
		http2.ReasonRefused:
		return h2Verdict{limit: true}
	case http2.ReasonSettingsTimeout, http2.ReasonHeaderTimeout:
		return h2Verdict{limit: true, refused: true, details: accesslog.HeaderTimeout}
	case http2.ReasonHeaderListSize:
		return h2Verdict{limit: true, refused: true, details: accesslog.HeadersTooLong, status: 431}
	case http2.ReasonRapidReset, http2.ReasonServerReset, http2.ReasonHeaderBomb:
		return h2Verdict{flood: true, refused: true, details: accesslog.HTTP2Flood}
	case http2.ReasonMalformed, http2.ReasonBadPreface, http2.ReasonFrameSize, http2.ReasonFrameOrder, http2.ReasonProtocol,
		http2.ReasonStreamID, http2.ReasonBadSettings, http2.ReasonFlowControl, http2.ReasonHeaderCompression:
		return h2Verdict{refused: true, details: accesslog.HTTP2ProtocolError}
	}
	if strings.HasSuffix(string(reason), "_flood") {
		return h2Verdict{flood: true, refused: true, details: accesslog.HTTP2Flood}
	}
	return h2Verdict{}
}

// report counts and logs what the connection ended by itself. It runs in the connection's goroutines.
func (c *h2Conn) report(e http2.Event) {
	v, counts := judgeH2(e.Reason), c.srv.Metrics
	switch {
	case v.limit && v.details != "":
		counts.Limits.Inc(string(v.details))
	case v.limit:
		counts.Limits.Inc("http2_" + string(e.Reason))
	}
	if v.flood {
		counts.Floods.Inc(string(e.Reason))
	}
	if !v.refused {
		return
	}
	counts.Refused.Inc(string(v.details))
	shard := counts.Shard()
	shard.Request(shard.Route("", ""), &metrics.Sample{Status: v.status})
	if c.srv.Log == nil {
		return
	}
	var r accesslog.Record
	r.Reset()
	r.Start, r.Protocol, r.Scheme = time.Now(), "HTTP/2", c.client.Scheme
	r.Status, r.Details, r.Reason = v.status, v.details, string(e.Reason)
	r.Client, r.Local = c.client.Peer, c.client.Local
	r.ForwardingRule, r.TargetProxy = c.client.Frontend.Name, c.client.Frontend.Target()
	r.TLSProtocol, r.TLSCipher, r.ServerName = c.client.TLSVersion, c.client.TLSCipher, c.client.ServerName
	c.srv.Log.Log(accesslog.LogEverything(), &r)
}
