package extension

import (
	"errors"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

func request() *message.Request {
	q := &message.Request{Method: []byte("GET"), Scheme: message.SchemeHTTP, Authority: []byte("a.example"), Path: []byte("/p")}
	q.Header.Add([]byte("x-here"), []byte("v"))
	return q
}

// TestSettersRefuse holds what no filter may write, and what only some may.
func TestSettersRefuse(t *testing.T) {
	type try func(q *Request) error
	set := func(name, value string) try { return func(q *Request) error { return q.Set(name, []byte(value)) } }
	authority := func(v string) try { return func(q *Request) error { return q.SetAuthority([]byte(v)) } }
	path := func(v string) try { return func(q *Request) error { return q.SetPath([]byte(v)) } }
	method := func(v string) try { return func(q *Request) error { return q.SetMethod([]byte(v)) } }
	for name, c := range map[string]struct {
		policy *Policy
		try    try
		want   error
	}{
		"a field":                        {CalloutPolicy(Traffic), set("X-New", "v"), nil},
		"a split value":                  {nil, set("x", "v\r\nEvil: 1"), ErrInvalid},
		"a value with a zero":            {nil, set("x", "v\x00"), ErrInvalid},
		"a split name":                   {nil, set("x: y\r\nz", "v"), ErrInvalid},
		"no name":                        {nil, set("", "v"), ErrInvalid},
		"a pseudo-header":                {nil, set(":path", "/"), ErrInvalid},
		"a length":                       {nil, set("Content-Length", "3"), ErrForbidden},
		"a coding":                       {nil, set("transfer-encoding", "chunked"), ErrForbidden},
		"connection":                     {nil, set("connection", "close"), ErrForbidden},
		"upgrade":                        {nil, set("upgrade", "h2c"), ErrForbidden},
		"te":                             {nil, set("te", "trailers"), ErrForbidden},
		"expect":                         {nil, set("expect", "100-continue"), ErrForbidden},
		"forwarded by a callout":         {CalloutPolicy(Route), set("X-Forwarded-For", "1.2.3.4"), ErrForbidden},
		"forwarded by a plugin":          {PluginPolicy(Traffic), set("x-forwarded-for", "1.2.3.4"), ErrForbidden},
		"user ip by a callout":           {CalloutPolicy(Traffic), set("x-user-ip", "1.2.3.4"), ErrForbidden},
		"forwarded with underscores":     {CalloutPolicy(Traffic), set("X_Forwarded_For", "1.2.3.4"), ErrForbidden},
		"a length with an underscore":    {nil, set("content_length", "3"), ErrForbidden},
		"goog by a callout":              {CalloutPolicy(Traffic), set("x-goog-a", "1"), nil},
		"goog by a plugin":               {PluginPolicy(Traffic), set("x-goog-a", "1"), ErrForbidden},
		"proxy-authorization":            {CalloutPolicy(Traffic), set("proxy-authorization", "x"), ErrForbidden},
		"authority by a route callout":   {CalloutPolicy(Route), authority("b.example:80"), nil},
		"authority by a traffic callout": {CalloutPolicy(Traffic), authority("b.example"), ErrForbidden},
		"host by a route callout":        {CalloutPolicy(Route), set("Host", "b.example"), nil},
		"host by a traffic plugin":       {PluginPolicy(Traffic), set("host", "b.example"), ErrForbidden},
		"a split authority":              {nil, authority("b\r\nx: y"), ErrInvalid},
		"two authorities":                {nil, authority("a,b"), ErrInvalid},
		"a path":                         {CalloutPolicy(Traffic), path("/a?b"), nil},
		"a split path":                   {nil, path("/ HTTP/1.1\r\nx: y"), ErrInvalid},
		"no path":                        {nil, path(""), ErrInvalid},
		"an absolute form":               {nil, path("http://b/"), ErrInvalid},
		"a star for GET":                 {nil, path("*"), ErrInvalid},
		"a method":                       {CalloutPolicy(Route), method("PATCH"), nil},
		"a method by traffic":            {CalloutPolicy(Traffic), method("PATCH"), ErrForbidden},
		"CONNECT":                        {nil, method("CONNECT"), ErrInvalid},
		"a split method":                 {nil, method("GET / HTTP/1.1\r\n"), ErrInvalid},
		"a field's end":                  {CalloutPolicy(Traffic), func(q *Request) error { return q.Del("x-here") }, nil},
		"the end of the host":            {nil, func(q *Request) error { return q.Del("host") }, ErrForbidden},
		"the end of the length":          {nil, func(q *Request) error { return q.Del("content-length") }, ErrForbidden},
		"a field that comes late": {nil, func(q *Request) error {
			q.Close()
			return q.Set("x", []byte("v"))
		}, ErrLate},
	} {
		m := request()
		before := m.Header.Len()
		err := c.try(NewRequest(m, c.policy, nil))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && (m.Header.Len() != before || string(m.Authority) != "a.example" || string(m.Path) != "/p" || string(m.Method) != "GET") {
			t.Errorf("%s was refused and changed something", name)
		}
	}
}

func TestPathIsNormalized(t *testing.T) {
	m := request()
	if err := NewRequest(m, nil, nil).SetPath([]byte("/a/%2e%2e/../b?c=/../")); err != nil || string(m.Path) != "/b?c=/../" {
		t.Errorf("%q, %v", m.Path, err)
	}
}

// TestSettersCopy: a filter's memory is its own again when a setter returns.
func TestSettersCopy(t *testing.T) {
	m := request()
	v := []byte("/one")
	q := NewRequest(m, nil, nil)
	_ = q.SetPath(v)
	_ = q.Set("x-one", v)
	copy(v, "XXXX")
	if got, _ := m.Header.GetName([]byte("x-one")); string(m.Path) != "/one" || string(got) != "/one" {
		t.Errorf("path %q, field %q", m.Path, got)
	}
}

func TestStatus(t *testing.T) {
	res := &message.Response{Status: 200}
	r := NewResponse(res, nil, nil)
	for _, bad := range []int{0, 101, 199, 600, 999, -1} {
		if r.SetStatus(bad) == nil {
			t.Errorf("status %d was taken", bad)
		}
	}
	if r.SetStatus(503) != nil || res.Status != 503 {
		t.Error("503 was not")
	}
	if r.Set("host", []byte("a")) == nil {
		t.Error("an answer got a host")
	}
}

func TestTrailersAreCleaned(t *testing.T) {
	m := &header.Map{}
	for _, f := range [][2]string{
		{"x-fine", "v"}, {"x-split", "v\r\nevil: 1"}, {"content-length", "3"}, {"authorization", "x"}, {"Upper", "v"}, {"x-fine", "w"},
	} {
		m.Add([]byte(f[0]), []byte(f[1]))
	}
	CleanTrailers(m)
	if m.Len() != 2 || string(m.At(0).Value) != "v" || string(m.At(1).Value) != "w" {
		t.Errorf("left: %v", m)
	}
	CleanTrailers(nil)
}

func TestReplyFields(t *testing.T) {
	m := &header.Map{}
	AddReplyFields(m, []Field{{"X-Fine", "v"}, {"x", "a\nb"}, {"Transfer-Encoding", "chunked"}, {"host", "a"}})
	if m.Len() != 1 || string(m.At(0).Name) != "x-fine" {
		t.Errorf("got %v", m)
	}
}
