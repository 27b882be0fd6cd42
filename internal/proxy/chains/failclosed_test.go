package chains_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

var update = flag.Bool("update", false, "write docs/fail-closed.md")

const page = "../../../docs/fail-closed.md"

// others is where the part of the page begins that internal/serve makes.
const others = "\n## What the statuses say\n"

const preface = `# What fails, and how

What becomes of a request whose callout or plugin fails, by fault, phase and failOpen. internal/proxy/chains makes each of these cells
with a real callout on real sockets, or a real module, over HTTP/1.1 and HTTP/2, in every run of its tests, and fails if one is different; write
this page anew with ` + "`go test ./internal/proxy/chains -run FailClosed -update`" + `.

*500* is Spillway's own answer. *cut* is an answer whose head had gone out: the connection or stream is reset, so that no
client takes it for whole. *passes* is a request that goes on without the callout, whole and unchanged; it is in no cell of
failOpen false. The word behind is the cause: in the access log below the extension (` + "`cause`, with the text in `error`" + `), and
counted in ` + "`extension_events_total{extension=\"CHAIN/EXTENSION\", event=\"cause_WORD\"}`" + ` beside ` + "`failed_closed` and `failed_open`" + `.

Where the control plane knows the fault (the Service, plugin or endpoint is not there, the condition cannot be compiled), the
extension's conditions say so too, and the proxy is told to treat each use as a failure (cause ` + "`config`" + `). A chain whose
condition cannot be compiled takes every request and fails it, unless all of its extensions have failOpen: then it takes none, and
the chains behind it are asked as if it were not there.

The last column is the extension's condition that is not True, of those that internal/serve has seen in a running server. Faults that only
requests show are found out from these, for Programmed: three in a row that fail, and none that does not, within half a second. It heals when
requests come out well again, or none has come for a minute. A word stands for 5 seconds at least, for longer if it changes often. Requests of
which some fail are in the metric alone.

| fault | phase | failOpen false | failOpen true | condition |
|---|---|---|---|---|
`

// TestFailClosed is the contract. No cell lets a request pass unextended with failOpen false.
func TestFailClosed(t *testing.T) {
	var out strings.Builder
	out.WriteString(preface)
	list := faults()
	if len(list) < 30 {
		t.Fatalf("%d faults", len(list))
	}
	for _, f := range list {
		for _, p := range append(slices.Clone(phases), bodilessPhases...) {
			if f.in != nil && !f.in(p) || p.bodiless != "" && !f.soon {
				continue
			}
			t.Run(f.name+"/"+p.name, func(t *testing.T) {
				closed, open := f.try(t, p)
				fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", f.name, p.name, closed, open, conditionOf(f.name))
			})
		}
	}
	if t.Failed() {
		return
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	ours, conditions, _ := strings.Cut(string(have), others)
	if *update {
		if err := os.WriteFile(page, []byte(out.String()+others+conditions), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if ours != out.String() {
		t.Errorf("docs/fail-closed.md is not what happens: run with -update and read the difference\n%s", firstDifference(ours, out.String()))
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "page: " + x[i] + "\nnow:  " + y[i]
		}
	}
	return "one is longer"
}

// try makes the two cells of a fault in a phase.
func (f fault) try(t *testing.T, p phase) (closed, open cell) {
	x := f.site(t, p, false)
	method, body := "POST", "the body"
	if p.bodiless != "" {
		method, body = p.bodiless, ""
	}
	for _, version := range []int{1, 2, 1} {
		closed = x.cell(t, version, "chain", method, "/", body)
		if closed.client == "passes" {
			t.Errorf("HTTP/%d: failOpen false, and the request passed", version)
		}
		if !faultyChain(x.model) {
			open = x.cell(t, version, "open", method, "/open", body)
		}
	}
	if faultyChain(x.model) {
		open = f.site(t, p, true).passed(t, method, body)
	}
	x.fails(t, "chain", closed.cause)
	x.fails(t, "open", open.cause)
	return closed, open
}

// fails: the extension of a chain is said to fail by now, unless that is known without any request.
func (x *site) fails(t *testing.T, chain, cause string) {
	t.Helper()
	if cause == "config" || cause == "" {
		return
	}
	want := passive.Failing{Use: passive.Use{Kind: "lb_traffic_extension", Resource: "traffic", Chain: chain, Extension: "ext"}, Cause: cause}
	eventually(t, fmt.Sprint("said: ", want), func() bool {
		x.records.Step(time.Now())
		return slices.ContainsFunc(x.records.Failing(), func(f passive.Failing) bool { return f.Use == want.Use && f.Cause == cause && f.Text != "" })
	})
}

// passed is the cell of a chain that is not chosen: nothing fails, and nothing is counted.
func (x *site) passed(t *testing.T, method, body string) cell {
	t.Helper()
	for _, version := range []int{1, 2} {
		if g := x.ask(version, method, "/open", body); g.err != nil || g.status != 200 || g.body != body {
			t.Errorf("HTTP/%d: %+v", version, g)
		}
	}
	return cell{client: "passes to the next chain"}
}

// cell asks and tells what came.
func (x *site) cell(t *testing.T, version int, chain, method, path, body string) cell {
	t.Helper()
	events := &x.Metrics().Extensions
	count := func(event string) uint64 { return events.Count(chain+"/ext", event) }
	closedBefore, openBefore := count("failed_closed"), count("failed_open")
	g := x.ask(version, method, path, body)
	c := cell{}
	switch {
	case g.status == 500 && g.err == nil:
		c.client = "500"
	case g.err != nil && !strings.Contains(g.err.Error(), "Timeout"):
		c.client = "cut"
	case g.status == 200 && g.err == nil && g.body == body && (g.tail == "sent" || body == "") && !strings.Contains(g.header.Get("X-Saw"), "seen"):
		c.client = "passes"
	default:
		t.Errorf("HTTP/%d %s: %+v", version, path, g)
	}
	want := "failed_closed"
	if c.client == "passes" {
		want = "failed_open"
	}
	eventually(t, want+" is counted once", func() bool {
		return count("failed_closed")+count("failed_open") == closedBefore+openBefore+1 && count(want) >= 1
	})
	for _, cause := range []string{
		"no_endpoint", "overflow", "connect", "tls", "tls_certificate", "dns", "http2", "status", "timeout", "canceled", "grpc_status", "protocol", "mutation",
		"message_too_large", "config", "plugin_crashed", "plugin_deadline", "plugin_limit", "plugin_failed", "plugin_throttled", "plugin_lost",
	} {
		if count("cause_"+cause) > 0 {
			if c.cause != "" {
				t.Errorf("two causes: %s and %s", c.cause, cause)
			}
			c.cause = cause
		}
	}
	if c.cause == "" {
		t.Error("no cause is counted")
	}
	return c
}

func faultyChain(m *lbv1.Model) bool {
	for _, r := range m.GetResources() {
		for _, c := range r.GetLbTrafficExtension().GetChains() {
			if c.GetFault() != "" {
				return true
			}
		}
	}
	return false
}
