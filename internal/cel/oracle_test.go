package cel

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// FuzzAgainstCelGo makes a condition and a request of the input, and compares what it comes to, errors included, with plain
// cel-go over plain maps.
func FuzzAgainstCelGo(f *testing.F) {
	oracle := newOracle(f)
	for i := range 200 {
		seed := make([]byte, 64)
		for j := range seed {
			seed[j] = byte(i*31 + j*j*17 + i*j*7)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d := &dice{input}
		expr, r := d.condition(4), d.request()
		if len(expr) > MaxLength {
			return
		}
		p, err := Compile(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if got, want := p.condition(&frame{a: r}), oracle.eval(t, expr, r); got != want {
			t.Errorf("%s\nof %+v: %v, cel-go says %v", expr, r, got, want)
		}
		if steps := p.Explain(r); len(steps) == 0 || (steps[0].Value == "true") != p.Match(r) {
			t.Errorf("%s: %v, but matches: %v", expr, steps, p.Match(r))
		}
	})
}

// oracle is cel-go with its own library, but for the two functions that it does not have under Google's names.
type oracle struct{ env *celgo.Env }

func newOracle(t testing.TB) oracle {
	fold := func(name string, f func(string) string) celgo.EnvOption {
		return celgo.Function(name, celgo.MemberOverload(name, []*celgo.Type{celgo.StringType}, celgo.StringType,
			celgo.UnaryBinding(func(v ref.Val) ref.Val { return types.String(f(string(v.(types.String)))) })))
	}
	options := []celgo.EnvOption{ext.Strings(), fold("lower", strings.ToLower), fold("upper", strings.ToUpper)}
	for name, a := range attributes {
		options = append(options, celgo.Variable(name, a.kind.celType()))
	}
	env, err := celgo.NewEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	return oracle{env}
}

func (o oracle) eval(t *testing.T, expr string, r *request) outcome {
	parsed, issues := o.env.Compile(expr)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", expr, issues.Err())
	}
	program, err := o.env.Program(parsed)
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := program.Eval(r.activation())
	if err != nil {
		return failed
	}
	return truth(v == types.True)
}

// activation is what cel-go is told of a request; what is not known is left out.
func (r *request) activation() map[string]any {
	fields := maps.Clone(r.headers)
	if fields == nil {
		fields = map[string]string{}
	}
	fields["host"] = r.host
	m := map[string]any{
		"request.headers": fields, "request.method": r.method, "request.host": r.host, "request.path": r.path,
		"request.query": r.query, "request.scheme": r.scheme, "source.ip": r.ip.String(), "source.address": r.ip.String(),
		"source.port": int64(r.port), "connection.sni": r.sni, "connection.requested_server_name": r.sni,
	}
	for name, v := range map[string]string{
		"connection.tls_version": strings.Replace(r.tls, "TLS ", "TLSv", 1), "connection.sha256_peer_certificate_digest": r.digest,
		"request.backend_service_name": r.service,
	} {
		if v != "" {
			m[name] = v
		}
	}
	for name, v := range map[string]int64{
		"request.backend_service_project_number": r.project, "request.backend_service_num_endpoints": r.endpoints,
	} {
		if v != 0 {
			m[name] = v
		}
	}
	return m
}

// dice makes decisions of bytes.
type dice struct{ p []byte }

func (d *dice) roll(n int) int {
	if len(d.p) == 0 {
		return 0
	}
	b := int(d.p[0])
	d.p = d.p[1:]
	return b % n
}

func (d *dice) of(list []string) string { return list[d.roll(len(list))] }

var (
	words = []string{"", "a", "A", "b", "/", "/a", "/a/b", "a.example.com", "5", "-5", "+7", "9223372036854775808", "GET", "é", "x-a", "TLSv1.3", "\xff"}
	names = []string{"x-a", "x-b", "host", "no"}
	res   = []string{"a", "^a", "b$", "^/a.*", "(?i)A", "[0-9]+", ""}
)

func (d *dice) condition(depth int) string {
	if depth == 0 {
		return d.of([]string{"true", "false"})
	}
	switch d.roll(10) {
	case 0, 1:
		return "(" + d.condition(depth-1) + " && " + d.condition(depth-1) + ")"
	case 2, 3:
		return "(" + d.condition(depth-1) + " || " + d.condition(depth-1) + ")"
	case 4:
		return "!(" + d.condition(depth-1) + ")"
	case 5:
		return d.number(depth-1) + d.of([]string{" == ", " != ", " < ", " <= ", " > ", " >= "}) + d.number(depth-1)
	case 6:
		return d.text(depth-1) + d.of([]string{" == ", " != ", " < ", " <= ", " > ", " >= "}) + d.text(depth-1)
	case 7:
		return d.text(depth-1) + ".matches(" + strconv.Quote(d.of(res)) + ")"
	case 8:
		return "(" + d.condition(depth-1) + ") == (" + d.condition(depth-1) + ")"
	default:
		return d.text(depth-1) + d.of([]string{".contains(", ".startsWith(", ".endsWith("}) + d.text(depth-1) + ")"
	}
}

func (d *dice) literal() string {
	// \xff is no text of CEL, but may be the value of a header.
	return strconv.Quote(d.of(words[:len(words)-1]))
}

func (d *dice) attribute(k kind) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[name].kind == k {
			list = append(list, name)
		}
	}
	return d.of(list)
}

func (d *dice) text(depth int) string {
	switch n := d.roll(9); {
	case n < 3 || depth <= 0 && n > 5:
		return d.literal()
	case n < 5:
		return d.attribute(text)
	case n < 6:
		return fmt.Sprintf("request.headers[%q]", d.of(names))
	case n < 7:
		return d.text(depth-1) + d.of([]string{".lower()", ".upper()", ".lowerAscii()", ".upperAscii()"})
	case n < 8:
		return "(" + d.text(depth-1) + " + " + d.text(depth-1) + ")"
	default:
		return fmt.Sprintf("response.headers[%q]", d.of(names))
	}
}

func (d *dice) number(depth int) string {
	switch n := d.roll(8); {
	case n < 2:
		return d.of([]string{"0", "1", "-5", "5", "443", "9223372036854775807"})
	case n < 4:
		return d.attribute(number)
	case n < 6:
		return "int(" + d.text(depth-1) + ")"
	case n < 7 && depth > 0:
		return "int(" + d.number(depth-1) + ")"
	case depth > 0:
		return "(" + d.number(depth-1) + d.of([]string{" + ", " / "}) + d.number(depth-1) + ")"
	default:
		return "7"
	}
}

// request has values of the same words, so that comparisons hold now and then. Where a byte is no character of UTF-8, or is
// beyond ASCII, RE2 with Latin-1 and cel-go differ on purpose: such values are kept to where no regular expression looks.
func (d *dice) request() *request {
	word := func() string {
		for {
			if w := d.of(words); isASCII([]byte(w)) {
				return w
			}
		}
	}
	r := usual()
	r.method, r.path, r.query = word(), word(), word()
	r.host = d.of([]string{"", "5", "/", "-5"}) // which nothing is another spelling of
	r.scheme, r.sni = d.of([]string{"http", "https"}), word()
	r.headers = map[string]string{"x-a": word()}
	if d.roll(2) == 0 {
		r.headers["x-b"] = word()
	}
	if d.roll(2) == 0 {
		r.service, r.project, r.endpoints = "", 0, 0
	}
	if d.roll(2) == 0 {
		r.tls, r.digest = "", ""
	}
	return r
}
