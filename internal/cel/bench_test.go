package cel

import "testing"

// typical are conditions as users write them; the first is the one that the targets are about.
var typical = []string{
	`request.path.startsWith("/v1/") && request.headers["x-env"] == "canary"`,
	`request.host == "store.example.com" && request.path.startsWith("/serviceextensions") && request.headers["x-env"].lower() == "canary"`,
	`request.path.contains("serviceextensions") || source.ip.startsWith("10.") || connection.tls_version == "TLSv1.3"`,
	`int(request.headers["x-count"]) >= 5 && request.headers["no"] == "x"`,
	`request.host.matches('^[a-z]+\\.example\\.com$')`,
}

func BenchmarkMatch(b *testing.B) {
	for _, expr := range typical {
		p, err := Compile(expr)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			var r Attributes = newPlain()
			b.ReportAllocs()
			for range b.N {
				p.Match(r)
			}
		})
	}
}

// plain is a request whose getters allocate nothing, as the proxy's.
type plain struct {
	request
	methodBytes, hostBytes, pathBytes []byte
	fields                            [][2][]byte
}

func newPlain() *plain {
	r := usual()
	p := &plain{request: *r, methodBytes: []byte(r.method), hostBytes: []byte(r.host), pathBytes: []byte(r.path)}
	for name, value := range r.headers {
		p.fields = append(p.fields, [2][]byte{[]byte(name), []byte(value)})
	}
	return p
}

func (p *plain) Method() []byte { return p.methodBytes }
func (p *plain) Host() []byte   { return p.hostBytes }
func (p *plain) Path() []byte   { return p.pathBytes }

func (p *plain) Header(name string) ([]byte, bool) {
	for _, f := range p.fields {
		if string(f[0]) == name {
			return f[1], true
		}
	}
	return nil, false
}
