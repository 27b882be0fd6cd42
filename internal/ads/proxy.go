package ads

import (
	"maps"
	"slices"
	"strconv"

	"github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/location"
)

// proxy is one proxy of a region: what it has been sent, what it is owed, and what it said. It has no clock and no connection.
type proxy struct {
	name   string // location.Name
	at     credentials.Place
	region *region
	// wake receives when there may be something to send; end is closed when another stream has taken the proxy's place.
	wake chan struct{}
	end  chan struct{}

	owed  map[string]struct{} // names of resources that have changed since they were sent
	fresh bool                // it has not been answered yet: even nothing has to be said
	// sent is the number of the transaction that the last response leads to, and its nonce; acked: it has been answered.
	sent  uint64
	nonce uint64
	acked bool
	// report is the last one, with the number that the proxy knows; nil before the first.
	report *location.Report
}

// newProxy is a proxy that has resources of the given versions.
func newProxy(name string, r *region, has map[string]string) *proxy {
	p := &proxy{
		name: name, region: r, wake: make(chan struct{}, 1), end: make(chan struct{}),
		owed: map[string]struct{}{}, fresh: true, acked: true,
	}
	for name, h := range r.resources {
		if has[name] != h.version {
			p.owed[name] = struct{}{}
		}
	}
	for name := range has {
		if _, there := r.resources[name]; !there {
			p.owed[name] = struct{}{}
		}
	}
	return p
}

// owe adds what has changed.
func (p *proxy) owe(names []string) {
	for _, name := range names {
		p.owed[name] = struct{}{}
	}
	if len(names) > 0 {
		p.rouse()
	}
}

func (p *proxy) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// response is what a proxy is sent next.
type response struct {
	seq, nonce uint64
	put        []named
	removed    []string
}

type named struct {
	name string
	*held
}

// next is the next response, if it is time for one: it leads to the transaction seq.
func (p *proxy) next(seq uint64) (out response, ok bool) {
	if !p.acked || len(p.owed) == 0 && !p.fresh {
		return response{}, false
	}
	for _, name := range slices.Sorted(maps.Keys(p.owed)) {
		if h, there := p.region.resources[name]; there {
			out.put = append(out.put, named{name, h})
		} else {
			out.removed = append(out.removed, name)
		}
	}
	p.owed = map[string]struct{}{} // at first it is large
	p.nonce++
	p.fresh, p.acked, p.sent = false, false, seq
	out.seq, out.nonce = seq, p.nonce
	return out, true
}

// answered takes the nonce of an answer; one that is not the last response's counts for nothing.
func (p *proxy) answered(nonce string) {
	if nonce == strconv.FormatUint(p.nonce, 10) {
		p.acked = true
		p.rouse()
	}
}

// progress is the last report with the number of the newest transaction that the proxy is done with: it need not be told of
// those that change nothing for it. ok is false before the first report.
func (p *proxy) progress(seq uint64) (r location.Report, ok bool) {
	if p.report == nil {
		return location.Report{}, false
	}
	r = *p.report
	if r.Seq >= p.sent && len(p.owed) == 0 && !p.fresh {
		r.Seq = seq
	}
	return r, true
}

// present says that no other stream has taken its place, and that its own has not ended.
func (p *proxy) present() bool { return slices.Contains(p.region.proxies, p) }
