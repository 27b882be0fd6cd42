package variable

import (
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/field"
)

// fixed has a value for some variables.
type fixed map[ID]string

func (f fixed) AppendVariable(dst []byte, id ID) []byte { return append(dst, f[id]...) }

var source = fixed{ClientRegion: "US", ClientCity: "Mountain View", OriginRequestHeader: " o ", TLSSNIHostname: "a\r\nx: y"}

// expand is a value as a header gets it.
func expand(t *testing.T, value string) string {
	t.Helper()
	tmpl, text, err := Parse(value)
	if err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	if tmpl == nil {
		return text
	}
	return string(tmpl.Append(nil, source))
}

func TestTemplate(t *testing.T) {
	for value, want := range map[string]string{
		"":                                  "",
		"plain":                             "plain",
		"{client_region}":                   "US",
		"{client_region},{client_city}":     "US,Mountain View",
		"[{client_region}]":                 "[US]",
		"{client_region}{client_region}":    "USUS",
		"{{client_region}}":                 "{client_region}",
		"{{{client_region}}}":               "{US}",
		"{{{{":                              "{{",
		"}}":                                "}}",
		"{":                                 "{",
		"{client_region":                    "{client_region",
		"client_region}":                    "client_region}",
		"{}":                                "{}",
		"{Client_Region}":                   "{Client_Region}",
		"{client region}":                   "{client region}",
		`{"group":"a","e":[{"b":{"c":1}}]}`: `{"group":"a","e":[{"b":{"c":1}}]}`,
		"{{\"a\": {{\"b\": 1}}}}":           `{"a": {"b": 1}}`,
		"{client_port}":                     "",
		"a {client_port}":                   "a",
		"{client_port} b":                   "b",
		"{origin_request_header}":           "o",
		"<{tls_sni_hostname}>":              "<>",
	} {
		if got := expand(t, value); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
}

func TestEveryVariableHasAName(t *testing.T) {
	for _, id := range All() {
		if tmpl, _, err := Parse("{" + id.String() + "}"); err != nil || tmpl == nil {
			t.Errorf("%d %q: %v", id, id, err)
		}
	}
}

func TestUnknownVariableIsNamed(t *testing.T) {
	_, _, err := Parse("a {client_regoin}")
	if want := "there is no variable {client_regoin}; {{client_regoin}} stands for the text {client_regoin}"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	tmpl, _, err := Parse("{client_region}/{client_city}")
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 64)
	var from Source = source
	if n := testing.AllocsPerRun(100, func() { buf = tmpl.Append(buf[:0], from) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse: what a template becomes may stand in a header, whatever the value and the peers say; doubling every brace of a text gives
// the text.
func FuzzParse(f *testing.F) {
	f.Add("{client_region} {{x}} }}", "a\r\nb")
	f.Add(`{"a":{"b":{}}}`, " \t")
	f.Fuzz(func(t *testing.T, value, peer string) {
		if field.HasControl([]byte(value)) {
			t.Skip()
		}
		if tmpl, _, err := Parse(value); err == nil && tmpl != nil {
			if got := tmpl.Append(nil, fixed{ClientRegion: peer, OriginRequestHeader: peer}); !field.ValidValue(got) {
				t.Errorf("%q becomes %q", value, got)
			}
		}
		balanced := strings.NewReplacer("{", "", "}", "").Replace(value)
		literal := "{" + balanced + "}"
		tmpl, text, err := Parse("{{" + balanced + "}}")
		if tmpl != nil || err != nil || text != literal {
			t.Errorf("doubled %q is %q, %v", literal, text, err)
		}
	})
}
