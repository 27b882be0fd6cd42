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
	edit, err := CompileResponseEdit(&lbv1.HeaderEdit{
		Set:    []*lbv1.Header{{Name: "X-Set", Value: "new"}, {Name: "Cache-Control", Value: "no-store"}},
		Add:    []*lbv1.Header{{Name: "x-add", Value: "b"}},
		Remove: []string{"X-Gone", "Server"},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := fields("x-set: old", "x-add: a", "x-gone: 1", "server: s", "x-set: older", "x-gone: 2")
	edit.Apply(m, nil)
	want := lines("x-set: new", "x-add: a", "cache-control: no-store", "x-add: b")
	if got := dump(m); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestHeaderEditHostIsTheAuthority(t *testing.T) {
	edit, err := CompileRequestEdit(&lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "Host", Value: "Other.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Authority: []byte("foo.example")}
	edit.ApplyRequest(req, nil)
	if string(req.Authority) != "Other.example" || req.Header.Len() != 0 {
		t.Errorf("authority %q, fields\n%s", req.Authority, dump(&req.Header))
	}
}

func TestHeaderEditRefuses(t *testing.T) {
	for want, edit := range map[string]*lbv1.HeaderEdit{
		`set[0].name: no header can be called ":path"`:                                         {Set: []*lbv1.Header{{Name: ":path", Value: "/"}}},
		`add[1].name: header "content-length" belongs to the connection and cannot be edited`:  {Add: []*lbv1.Header{{Name: "a"}, {Name: "Content-Length", Value: "1"}}},
		`remove[0]: header "transfer-encoding" belongs to the connection and cannot be edited`: {Remove: []string{"Transfer-Encoding"}},
		`remove[0]: ":path" is no header but a part of the request, and cannot be edited`:      {Remove: []string{":Path"}},
		`set[0].name: header "connection" belongs to the connection and cannot be edited`:      {Set: []*lbv1.Header{{Name: "connection", Value: "close"}}},
		`set[0].name: no header can be called ""`:                                              {Set: []*lbv1.Header{{Value: "x"}}},
		`set[0].value: the value "x\r\nb: c" has a control byte`:                               {Set: []*lbv1.Header{{Name: "a", Value: "x\r\nb: c"}}},
		`set[0].value: the value " x" begins or ends with white space`:                         {Set: []*lbv1.Header{{Name: "a", Value: " x"}}},
		`remove[1]: no request goes without a host; it can be set`:                             {Remove: []string{"a", "Host"}},
		`add[0]: a request has one host; it can be set`:                                        {Add: []*lbv1.Header{{Name: "Host", Value: "a"}}},
		`set[1].value: "" is not a host`:                                                       {Set: []*lbv1.Header{{Name: "a"}, {Name: "Host"}}},
		`set[0].value: "a b" is not a host`:                                                    {Set: []*lbv1.Header{{Name: "Host", Value: "a b"}}},
	} {
		if _, err := CompileRequestEdit(edit); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Of two spellings of a name the first counts; what no header can be called is not there to be removed; an answer's host is
// a header like any other.
func TestHeaderEditObeysTheOdd(t *testing.T) {
	in := &lbv1.HeaderEdit{
		Set:    []*lbv1.Header{{Name: "X-A", Value: "first"}, {Name: "x-a", Value: "second"}},
		Add:    []*lbv1.Header{{Name: "x-b", Value: "first"}, {Name: "X-B", Value: "second"}},
		Remove: []string{"", "a b", "x-gone", "naïve"},
	}
	edit, err := CompileRequestEdit(in)
	if err != nil {
		t.Fatal(err)
	}
	req := &message.Request{Authority: []byte("h"), Header: *fields("x-gone: 1")}
	edit.ApplyRequest(req, nil)
	if got, want := dump(&req.Header), lines("x-a: first", "x-b: first"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if edit, err := CompileRequestEdit(&lbv1.HeaderEdit{Remove: []string{""}}); edit != nil || err != nil {
		t.Errorf("an edit that does nothing compiles to %v, %v", edit, err)
	}
	edit, err = CompileResponseEdit(&lbv1.HeaderEdit{Set: []*lbv1.Header{{Name: "Host", Value: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	answer := &header.Map{}
	if edit.Apply(answer, nil); dump(answer) != lines("host: a") {
		t.Errorf("an answer has %q", dump(answer))
	}
}

func TestNothingConfiguredAllocatesNothing(t *testing.T) {
	req := &message.Request{Method: []byte("GET"), Path: []byte("/"), Authority: []byte("a")}
	answer := fields("server: s")
	edit, err := CompileRequestEdit(&lbv1.HeaderEdit{})
	if err != nil || edit != nil {
		t.Fatal("an empty edit is not nil", err)
	}
	var rewrite *Rewrite
	var cors *CORS
	buf := make([]byte, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		edit.ApplyRequest(req, nil)
		edit.Apply(answer, nil)
		buf = rewrite.Apply(req, buf)
		cors.Actual(req, answer)
		_ = cors.IsPreflight(req)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
