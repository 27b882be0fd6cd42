package wasm

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// mapGuest runs one operation on the request's headers; what it reads it logs.
func mapGuest(want int32, f string, args func(b *wat.Builder) wat.Code, reads bool) []byte {
	b := wat.New()
	log, do := host(b, "proxy_log"), host(b, f)
	b.Plugin()
	body := checked(do, want, args(b))
	if reads && want == 0 {
		body = wat.Cat(body, say(log))
	}
	b.Function("proxy_on_request_headers", "iii>i", 0, body, wat.I32(0))
	return b.Module()
}

func TestHeaderMaps(t *testing.T) {
	const before = ":path: / | accept: a | cookie: c=1 | accept: b | cookie: c=2 | set-cookie: s=1 | set-cookie: s=2 | frozen: f"
	value := func(m int32, name string) func(b *wat.Builder) wat.Code {
		return func(b *wat.Builder) wat.Code { return wat.Cat(wat.I32(m), b.Text(name), outs()) }
	}
	change := func(m int32, name, v string) func(b *wat.Builder) wat.Code {
		return func(b *wat.Builder) wat.Code { return wat.Cat(wat.I32(m), b.Text(name), b.Text(v)) }
	}
	pairs := func(text string) func(b *wat.Builder) wat.Code {
		return func(b *wat.Builder) wat.Code {
			return wat.Cat(wat.I32(0), b.Text(string(Map(headersOf(text).list))))
		}
	}
	for name, c := range map[string]struct {
		f       string
		args    func(b *wat.Builder) wat.Code
		want    status
		gcp     string // what is read, or the map afterwards
		full    string
		changes bool
	}{
		"get":                  {f: "proxy_get_header_map_value", args: value(0, "Accept"), gcp: "a, b", full: "a"},
		"get cookie":           {f: "proxy_get_header_map_value", args: value(0, "cookie"), gcp: "c=1; c=2", full: "c=1"},
		"get none":             {f: "proxy_get_header_map_value", args: value(0, "absent"), want: notFound},
		"get of another phase": {f: "proxy_get_header_map_value", args: value(2, "accept"), want: badArgument},
		"get of no map":        {f: "proxy_get_header_map_value", args: value(8, "accept"), want: badArgument},
		"get of a call":        {f: "proxy_get_header_map_value", args: value(6, "accept"), want: badArgument},
		"get outside of memory": {
			f: "proxy_get_header_map_value", want: invalidMemoryAccess,
			args: func(*wat.Builder) wat.Code { return wat.Cat(wat.I32(0), wat.I32(-8), wat.I32(16), outs()) },
		},
		"answer outside of memory": {
			f: "proxy_get_header_map_value", want: invalidMemoryAccess,
			args: func(b *wat.Builder) wat.Code {
				return wat.Cat(wat.I32(0), b.Text("accept"), wat.I32(-2), wat.I32(outB))
			},
		},
		"add": {f: "proxy_add_header_map_value", args: change(0, "NEW", "1"), changes: true, gcp: before + " | new: 1", full: before + " | new: 1"},
		"add another": {
			f: "proxy_add_header_map_value", args: change(0, "accept", "c"), changes: true,
			gcp:  ":path: / | accept: a, b, c | cookie: c=1 | cookie: c=2 | set-cookie: s=1 | set-cookie: s=2 | frozen: f",
			full: before + " | accept: c",
		},
		"add a cookie that is set": {f: "proxy_add_header_map_value", args: change(0, "set-cookie", "s=3"), changes: true, gcp: before + " | set-cookie: s=3", full: before + " | set-cookie: s=3"},
		"add what is frozen":       {f: "proxy_add_header_map_value", args: change(0, "Frozen", "x"), changes: true, gcp: before, full: before},
		"add to another phase":     {f: "proxy_add_header_map_value", args: change(2, "a", "b"), want: badArgument},
		"replace": {
			f: "proxy_replace_header_map_value", args: change(0, "Accept", "x"), changes: true,
			gcp:  ":path: / | accept: x | cookie: c=1 | cookie: c=2 | set-cookie: s=1 | set-cookie: s=2 | frozen: f",
			full: ":path: / | accept: x | cookie: c=1 | cookie: c=2 | set-cookie: s=1 | set-cookie: s=2 | frozen: f",
		},
		"replace none": {f: "proxy_replace_header_map_value", args: change(0, "new", ""), changes: true, gcp: before + " | new: ", full: before + " | new: "},
		"remove": {
			f: "proxy_remove_header_map_value", changes: true,
			args: func(b *wat.Builder) wat.Code { return wat.Cat(wat.I32(0), b.Text("Cookie")) },
			gcp:  ":path: / | accept: a | accept: b | set-cookie: s=1 | set-cookie: s=2 | frozen: f",
			full: ":path: / | accept: a | accept: b | set-cookie: s=1 | set-cookie: s=2 | frozen: f",
		},
		"remove none": {
			f: "proxy_remove_header_map_value", changes: true, gcp: before, full: before,
			args: func(b *wat.Builder) wat.Code { return wat.Cat(wat.I32(0), b.Text("absent")) },
		},
		"pairs": {
			f: "proxy_get_header_map_pairs", args: func(*wat.Builder) wat.Code { return wat.Cat(wat.I32(0), outs()) },
			gcp:  string(Map(headersOf(":path: / | accept: a, b | cookie: c=1; c=2 | set-cookie: s=1 | set-cookie: s=2 | frozen: f").list)),
			full: string(Map(headersOf(before).list)),
		},
		"set pairs": {
			f: "proxy_set_header_map_pairs", args: pairs(":path: /x | B: 1 | b: 2"), changes: true,
			gcp: ":path: /x | frozen: f | b: 1, 2", full: ":path: /x | frozen: f | b: 1 | b: 2",
		},
		"set pairs that are none": {
			f: "proxy_set_header_map_pairs", changes: true, gcp: ":path: / | frozen: f", full: ":path: / | frozen: f",
			args: func(b *wat.Builder) wat.Code { return wat.Cat(wat.I32(0), b.Text("\x01\x00\x00\x00")) },
		},
	} {
		for _, profile := range []Profile{GCP, Full} {
			t.Run(name+"/"+profile.String(), func(t *testing.T) {
				want := c.gcp
				if profile == Full {
					want = c.full
				}
				p, logged := start(t, mapGuest(int32(c.want), c.f, c.args, !c.changes), Options{Profile: profile}, PluginConfig{MinLevel: Info})
				s := stream(t, p, properties{})
				defer func() { _ = s.Close() }()
				h := headersOf(before)
				h.frozen["frozen"] = true
				if _, err := s.RequestHeaders(h, true); err != nil {
					t.Fatal(err)
				}
				got := h.String()
				if !c.changes {
					got = strings.TrimPrefix(strings.Join(logged.all(), "\n"), "info ")
				}
				if c.want == ok && got != want {
					t.Errorf("%q\nwant %q", got, want)
				}
			})
		}
	}
}

func TestBuffers(t *testing.T) {
	const all = 0x7fffffff
	for name, c := range map[string]struct {
		start, size int32
		data        string
		want        string
	}{
		"prepend":             {0, 0, "<", "<body"},
		"append":              {4, 0, ">", "body>"},
		"append far away":     {-1, 0, ">", "body>"},
		"replace all":         {0, all, "x", "x"},
		"replace some":        {1, 2, "xyz", "bxyzy"},
		"size is cut":         {2, 100, "X", "boX"},
		"remove":              {0, 4, "", ""},
		"size that overflows": {2, -1, "X", "boX"},
	} {
		t.Run(name, func(t *testing.T) {
			b := wat.New()
			set := host(b, "proxy_set_buffer_bytes")
			b.Plugin()
			b.Function("proxy_on_request_body", "iii>i", 0,
				checked(set, 0, wat.I32(0), wat.I32(c.start), wat.I32(c.size), b.Text(c.data)), wat.I32(0))
			p, _ := start(t, b.Module(), Options{}, PluginConfig{})
			s := stream(t, p, properties{})
			defer func() { _ = s.Close() }()
			if got, _, err := s.RequestBody([]byte("body"), true); err != nil || string(got) != c.want {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestBufferReads(t *testing.T) {
	for name, c := range map[string]struct {
		buffer, from, most int32
		want               status
		text               string
	}{
		"all":                      {0, 0, 4, ok, "body"},
		"more than there is":       {0, 2, 100, ok, "dy"},
		"behind the end":           {0, 9, 4, ok, ""},
		"overflow":                 {0, 2, -1, badArgument, ""},
		"another phase":            {1, 0, 4, notFound, ""},
		"configuration":            {7, 0, 100, ok, "config"},
		"the VM's in this profile": {6, 0, 100, notFound, ""},
		"no buffer":                {9, 0, 4, badArgument, ""},
		"a call's":                 {4, 0, 4, notFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := wat.New()
			log, get := host(b, "proxy_log"), host(b, "proxy_get_buffer_bytes")
			b.Plugin()
			body := checked(get, int32(c.want), wat.I32(c.buffer), wat.I32(c.from), wat.I32(c.most), outs())
			if c.want == ok {
				body = wat.Cat(body, say(log))
			}
			b.Function("proxy_on_request_body", "iii>i", 0, body, wat.I32(0))
			p, logged := start(t, b.Module(), Options{}, PluginConfig{Configuration: []byte("config")})
			s := stream(t, p, properties{})
			defer func() { _ = s.Close() }()
			if _, _, err := s.RequestBody([]byte("body"), true); err != nil {
				t.Fatal(err)
			}
			if c.want == ok && !slices.Equal(logged.all(), []string{"info " + c.text}) {
				t.Errorf("%q", logged.all())
			}
		})
	}
}

// The order of the lifecycle, and the ids that it is told with.
func TestLifecycle(t *testing.T) {
	b := wat.New()
	log := host(b, "proxy_log")
	b.Function("proxy_abi_version_0_2_0", ">", 0)
	b.Function("malloc", "i>i", 0, wat.I32(4096))
	say := func(text string) wat.Code { return wat.Cat(wat.I32(2), b.Text(text), wat.Call(log), wat.Drop) }
	b.Function("_initialize", ">", 0, say("initialize"))
	b.Function("main", "ii>i", 0, say("main"), wat.I32(0))
	b.Function("_start", ">", 0, say("start"))
	isRoot := func(then ...wat.Code) wat.Code { return wat.Cat(wat.Local(1), wat.Eqz, wat.If(then...)) }
	b.Function("proxy_on_context_create", "ii>", 0, say("create"), isRoot(say("root")))
	b.Function("proxy_on_vm_start", "ii>i", 0, say("vm_start"), wat.I32(1))
	b.Function("proxy_on_configure", "ii>i", 0, say("configure"), wat.Local(1), wat.I32(6), wat.Ne, wat.If(wat.Unreachable), wat.I32(1))
	b.Function("proxy_on_request_headers", "iii>i", 0, say("request"), wat.Local(0), wat.I32(2), wat.Ne, wat.If(wat.Unreachable), wat.I32(0))
	b.Function("proxy_on_done", "i>i", 0, say("done"), wat.I32(1))
	b.Function("proxy_on_log", "i>", 0, say("log"))
	b.Function("proxy_on_delete", "i>", 0, say("delete"))
	p, logged := start(t, b.Module(), Options{}, PluginConfig{Configuration: []byte("config")})
	s := stream(t, p, properties{})
	if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	want := "initialize main create root vm_start configure create request done log delete done delete"
	if got := strings.ReplaceAll(strings.Join(logged.all(), " "), "info ", ""); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestAConfigurationCanBeRefused(t *testing.T) {
	for _, callback := range []string{"proxy_on_vm_start", "proxy_on_configure"} {
		b := wat.New()
		log := host(b, "proxy_log")
		b.Plugin()
		b.Function(callback, "ii>i", 0, wat.I32(4), b.Text("no such key"), wat.Call(log))
		_, err := load(t, b.Module(), Options{}).Plugin(PluginConfig{})
		if err == nil || !strings.Contains(err.Error(), callback) || !strings.Contains(err.Error(), "no such key") {
			t.Errorf("%s: %v", callback, err)
		}
	}
}

// Calls that need a context are not for a module's start.
func TestTheStartIsRestricted(t *testing.T) {
	b := wat.New()
	f := host(b, "proxy_get_current_time_nanoseconds")
	b.Plugin()
	b.Function("_initialize", ">", 0, wat.I32(outA), wat.Call(f), wat.Drop)
	_, err := load(t, b.Module(), Options{}).Plugin(PluginConfig{})
	if err == nil || !strings.Contains(err.Error(), "before the module has started") {
		t.Error(err)
	}
}

// A reply ends the exchange for the guest: whatever it returns, and for all callbacks but the last.
func TestRepliesEndTheStream(t *testing.T) {
	b := wat.New()
	reply := host(b, "proxy_send_local_response")
	b.Plugin()
	b.Function("proxy_on_request_headers", "iii>i", 0,
		checked(reply, 0, wat.I32(403), b.Text("why"), b.Text("body"), b.Text(string(Map(Pairs{{"A", "b"}}))), wat.I32(7)), wat.I32(0))
	b.Function("proxy_on_response_headers", "iii>i", 0, wat.Unreachable)
	b.Function("proxy_on_done", "i>i", 0, checked(reply, int32(badArgument), wat.I32(200), b.Text(""), b.Text(""), b.Text(""), wat.I32(-1)), wat.I32(1))
	p, _ := start(t, b.Module(), Options{}, PluginConfig{})
	s := stream(t, p, properties{})
	_, err := s.RequestHeaders(headersOf(""), true)
	var r *LocalReply
	if !errors.As(err, &r) || r.Status != 403 || r.Details != "why" || string(r.Body) != "body" || r.GRPCStatus != 7 || r.Headers[0] != (Pair{"a", "b"}) {
		t.Errorf("%v %+v", err, r)
	}
	if _, err := s.ResponseHeaders(headersOf(""), true); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestProperties(t *testing.T) {
	for path, want := range map[string]string{"request\x00path": "/x", "request\x00path\x00": "/x", "plugin_root_id": "root", "plugin_name": "name", "other": ""} {
		b := wat.New()
		log, get := host(b, "proxy_log"), host(b, "proxy_get_property")
		b.Plugin()
		body := wat.Cat(checked(get, 0, b.Text(path), outs()), say(log))
		if want == "" {
			body = checked(get, int32(notFound), b.Text(path), outs())
		}
		b.Function("proxy_on_request_headers", "iii>i", 0, body, wat.I32(0))
		p, logged := start(t, b.Module(), Options{}, PluginConfig{Name: "name", RootID: "root"})
		s := stream(t, p, properties{"request.path": "/x"})
		if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
			t.Fatal(err)
		}
		if want != "" && !logged.has("info "+want) {
			t.Errorf("%q is %q", path, logged.all())
		}
		_ = s.Close()
	}
}

// In the GCP profile time stands still for a stream, in the full one it does not.
func TestTime(t *testing.T) {
	for profile, same := range map[Profile]bool{GCP: true, Full: false} {
		b := wat.New()
		log, now := host(b, "proxy_log"), host(b, "proxy_get_current_time_nanoseconds")
		b.Plugin()
		for _, callback := range []string{"proxy_on_request_headers", "proxy_on_response_headers"} {
			b.Function(callback, "iii>i", 0, checked(now, 0, wat.I32(note)), wat.StoreAt(outA, note), wat.StoreAt(outB, 4), say(log), wat.I32(0))
		}
		clock := time.Unix(100, 0)
		p, logged := start(t, b.Module(), Options{Profile: profile}, PluginConfig{Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
		s := stream(t, p, properties{})
		for _, f := range []func(Headers, bool) (Action, error){s.RequestHeaders, s.ResponseHeaders} {
			if _, err := f(headersOf(""), true); err != nil {
				t.Fatal(err)
			}
		}
		if all := logged.all(); len(all) != 2 || (all[0] == all[1]) != same {
			t.Errorf("%v: %q", profile, all)
		}
		_ = s.Close()
	}
}

// What a guest logs in one callback is limited in the GCP profile, and its level counts.
func TestLogLimits(t *testing.T) {
	b := wat.New()
	log := host(b, "proxy_log")
	b.Plugin()
	repeat := func(times int32, size int32) wat.Code {
		one := wat.Cat(wat.I32(2), wat.I32(1024), wat.I32(size), wat.Call(log), wat.Drop)
		return wat.Cat(wat.I32(times), wat.SetLocal(3), wat.Loop(one, wat.Local(3), wat.I32(-1), wat.Add, wat.SetLocal(3), wat.Local(3), wat.Code{0x0d, 0x00}))
	}
	b.Function("proxy_on_request_headers", "iii>i", 1, repeat(20, 3), wat.I32(0))
	b.Function("proxy_on_response_headers", "iii>i", 1, repeat(3, 10<<10), wat.I32(0))
	b.Function("proxy_on_request_body", "iii>i", 0,
		checked(log, int32(badArgument), wat.I32(6), b.Text("x")), checked(log, 0, wat.I32(1), b.Text("debug")), wat.I32(0))
	p, logged := start(t, b.Module(), Options{}, PluginConfig{MinLevel: Info})
	s := stream(t, p, properties{})
	defer func() { _ = s.Close() }()
	if _, err := s.RequestHeaders(headersOf(""), false); err != nil || len(logged.all()) != maxLogRecords {
		t.Errorf("%v, %d records", err, len(logged.all()))
	}
	logged.list = nil
	if _, err := s.ResponseHeaders(headersOf(""), false); err != nil || len(logged.list) != 2 || len(logged.list[0].Message)+len(logged.list[1].Message) != maxLogBytes {
		t.Errorf("%v, %d records", err, len(logged.list))
	}
	logged.list = nil
	if _, _, err := s.RequestBody(nil, true); err != nil || len(logged.list) != 0 {
		t.Errorf("%v, %q", err, logged.all())
	}
}

// The upper half of an i32 may hold anything.
func TestArgumentsAreCut(t *testing.T) {
	a := arguments{0xdeadbeef00000007}
	if a.u32(0) != 7 {
		t.Errorf("%x", a.u32(0))
	}
}

// ABI 0.1.0 has header callbacks without the end of the stream, and its own way to the configuration.
func TestABI010(t *testing.T) {
	b := wat.New()
	log, get, value := host(b, "proxy_log"), host(b, "proxy_get_configuration"), host(b, "proxy_get_header_map_value")
	b.Function("proxy_abi_version_0_1_0", ">", 0)
	b.Function("malloc", "i>i", 0, wat.I32(4096))
	b.Function("proxy_on_configure", "ii>i", 0, checked(get, 0, outs()), say(log), wat.I32(1))
	b.Function("proxy_on_request_headers", "ii>i", 0, checked(value, 0, wat.I32(0), b.Text("absent"), outs()), say(log), wat.I32(0))
	p, logged := start(t, b.Module(), Options{}, PluginConfig{Configuration: []byte("config")})
	s := stream(t, p, properties{})
	if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if got := logged.all(); !slices.Equal(got, []string{"info config", "info "}) {
		t.Errorf("%q", got)
	}
}
