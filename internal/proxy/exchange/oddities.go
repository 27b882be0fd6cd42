package exchange

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/accesslog"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// readOddities settles what a backend may read in another way than the rules: how the path is written, and names with underscores, by the
// target proxy's RequestPolicy. false: it has answered.
func (x *Exchange) readOddities() bool {
	reading, err := x.target.Paths.Read(x.Request.Path)
	if err != nil {
		x.answerLocally(400, nil, accesslog.InvalidRequestPath)
		return false
	}
	x.Request.Path, x.Request.RoutePath = reading.Sent, reading.Matched
	return x.underscores(&x.Request.Header)
}

// readPathAgain is for a path that filters may have changed: rules and backends read it as any other.
func (x *Exchange) readPathAgain() bool {
	if x.scope == nil {
		return true
	}
	reading, err := x.target.Paths.Read(x.Sent.Path)
	if err != nil {
		x.answerLocally(400, nil, accesslog.InvalidRequestPath)
		return false
	}
	x.Sent.Path, x.Sent.RoutePath = reading.Sent, reading.Matched
	return true
}

func (x *Exchange) underscores(h *header.Map) bool {
	for i := 0; i < h.Len(); {
		f := h.At(i)
		if f.ID != header.Other || !field.HasUnderscore(f.Name) {
			i++
			continue
		}
		switch x.target.Underscores {
		case lbv1.RequestPolicy_REJECT_ALL:
			x.answerLocally(400, nil, accesslog.InvalidRequestHeaders)
			return false
		case lbv1.RequestPolicy_KEEP_ALL:
			return true
		case lbv1.RequestPolicy_DROP_ALL:
		default:
			if !field.Lookalike(f.Name) {
				i++
				continue
			}
		}
		h.DelName(f.Name)
	}
	return true
}
