package filter

import (
	"fmt"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// fields makes a map of "name: value" texts.
func fields(lines ...string) *header.Map {
	m := &header.Map{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		m.Add([]byte(name), []byte(value))
	}
	return m
}

func dump(m *header.Map) string {
	var b strings.Builder
	for i := range m.Len() {
		fmt.Fprintf(&b, "%s: %s\n", m.At(i).Name, m.At(i).Value)
	}
	return b.String()
}

func lines(s ...string) string {
	if len(s) == 0 {
		return ""
	}
	return strings.Join(s, "\n") + "\n"
}

func TestHeaderEdit(t *testing.T) {
	edit, err := CompileHeaderEdit(&lbv1.HeaderEdit{
		Set:    []*lbv1.Header{{Name: "X-Set", Value: "new"}, {Name: "Cache-Control", Value: "no-store"}},
		Add:    []*lbv1.Header{{Name: "x-add", Value: "b"}},
		Remove: []string{"X-Gone", "Server"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := fields("x-set: old", "x-add: a", "x-gone: 1", "server: s", "x-set: older", "x-gone: 2")
	edit.Apply(m)
	want := lines("x-set: new", "x-add: a", "cache-control: no-store", "x-add: b")
	if got := dump(m); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestHeaderEditHostIsTheAuthority(t *testing.T) {
	edit, err := CompileHeaderEdit(&lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "Host", Value: "Other.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Authority: []byte("foo.example")}
	edit.ApplyRequest(req)
	if string(req.Authority) != "other.example" || req.Header.Len() != 0 {
		t.Errorf("authority %q, fields\n%s", req.Authority, dump(&req.Header))
	}
}

func TestHeaderEditRefuses(t *testing.T) {
	for name, edit := range map[string]*lbv1.HeaderEdit{
		"pseudo-header":      {Set: []*lbv1.Header{{Name: ":path", Value: "/"}}},
		"framing":            {Add: []*lbv1.Header{{Name: "Content-Length", Value: "1"}}},
		"transfer-encoding":  {Remove: []string{"Transfer-Encoding"}},
		"connection":         {Set: []*lbv1.Header{{Name: "connection", Value: "close"}}},
		"empty name":         {Set: []*lbv1.Header{{Value: "x"}}},
		"line break":         {Set: []*lbv1.Header{{Name: "a", Value: "x\r\nb: c"}}},
		"space around value": {Set: []*lbv1.Header{{Name: "a", Value: " x"}}},
		"host removed":       {Remove: []string{"Host"}},
		"empty host":         {Set: []*lbv1.Header{{Name: "Host"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := CompileHeaderEdit(edit); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestNothingConfiguredAllocatesNothing(t *testing.T) {
	req := &message.Request{Method: []byte("GET"), Path: []byte("/"), Authority: []byte("a")}
	answer := fields("server: s")
	edit, err := CompileHeaderEdit(&lbv1.HeaderEdit{})
	if err != nil || edit != nil {
		t.Fatal("an empty edit is not nil", err)
	}
	var rewrite *Rewrite
	var cors *CORS
	buf := make([]byte, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		edit.ApplyRequest(req)
		edit.Apply(answer)
		buf = rewrite.Apply(req, buf)
		cors.Actual(req, answer)
		_ = cors.IsPreflight(req)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
