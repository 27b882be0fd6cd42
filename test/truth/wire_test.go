package truth_test

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// wire stands between the control plane and its proxies. It outlives the server.
type wire struct {
	mu      sync.Mutex
	proxies controlplane.Sink
	hangs   bool
	waiting []*lbv1.Transaction
	// older: the proxies are of a version that does not know everything.
	older bool
}

// to puts the wire before the proxies of a server that starts.
func (w *wire) to(proxies controlplane.Sink) controlplane.Sink {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxies, w.waiting = proxies, nil
	return w
}

func (w *wire) Follow(locations []config.Location) { w.proxies.Follow(locations) }

func (w *wire) Apply(tx *lbv1.Transaction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hangs {
		w.waiting = append(w.waiting, tx)
		return
	}
	w.proxies.Apply(w.asSeen(tx))
}

// hang keeps everything back until it is called with false.
func (w *wire) hang(hangs bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs = hangs
	for !hangs && len(w.waiting) > 0 {
		w.proxies.Apply(w.asSeen(w.waiting[0]))
		w.waiting = w.waiting[1:]
	}
}

func (w *wire) age() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.older = true
}

// asSeen is a transaction as a proxy of the version sees it: what it does not know is an unknown field.
func (w *wire) asSeen(tx *lbv1.Transaction) *lbv1.Transaction {
	if !w.older {
		return tx
	}
	seen := proto.Clone(tx).(*lbv1.Transaction)
	for _, r := range seen.GetUpserts() {
		if rule := r.GetRouteRule(); rule != nil && strings.Contains(rule.String(), newer) {
			rule.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 15, protowire.VarintType), 1))
		}
	}
	return seen
}

// newer is what no older proxy knows.
const newer = "x-of-a-newer-version"

// proxyFaults are proxies that do not do as they are told.
func proxyFaults() []fault {
	edit := rule("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: " + newer + ", value: v}]}}]")
	mended := map[string]string{"r.yaml": route("r", "r.test", toApp)}
	return []fault{
		{
			name: "a proxy that refuses", object: "HTTPRoute/r", want: []string{"Reconciled=False", "refuses it", "route_rule"}, live: "200 404", fresh: "404",
			early: func(w *world) { w.wire.age() }, fault: edit, mend: func(w *world) { w.write(mended) },
		},
		{
			name: "a proxy that hangs", object: "HTTPRoute/r", want: []string{"Reconciled=Unknown", "0 of 1 proxy has it"}, live: "200 error", fresh: "error",
			secure: "200 error", secureFresh: "error", neighbour: "200 error",
			early: func(w *world) { w.wire.hang(true) }, fault: edit, mend: func(w *world) { w.wire.hang(false) },
		},
	}
}
