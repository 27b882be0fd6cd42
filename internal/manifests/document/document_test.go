package document

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestValuesAreKubectlsValues(t *testing.T) {
	for _, text := range []string{
		"a: 1\nb: 1.5\nc: yes\nd: off\ne: ~\nf: 'yes'\ng: 0777\nh: 0x1F\ni: 1_000\nj: 1e3\nk: .5\n",
		"a: 2024-01-01T00:00:00Z\nb: 12:30:45\nc: +inf\nd: -x\ne: .\nf: 1.2.3\ng: 1e\nh: +1\ni: -1.5e-3\n",
		"8080: a\ntrue: b\n1.5: c\n",
		"a: &x {b: [1, two]}\nc: *x\nd:\n  <<: *x\n  e: 1\n",
		"a: |\n  text\n  more\nb: >\n  folded\n  text\nc: \"q\\n\"\nd: !!str 5\ne: ''\n",
		"{\"a\": \"\\u00e9\", \"b\": [1, 2.5, true, null]}",
		"{\n\t\"a\": {\n\t\t\"b\": \"\\ud83d\\ude00\"\n\t}\n}",
		"\xef\xbb\xbfa: 1\r\nb: two\r\n",
		"a: 18446744073709551615\nb: 9223372036854775807\n",
	} {
		docs, syntax := Parse([]byte(text))
		if syntax != nil || len(docs) != 1 || len(docs[0].Violations) > 0 {
			t.Errorf("%q: %v %v", text, syntax, docs)
			continue
		}
		var want map[string]any
		if err := kubectls(text, &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := asJSON(docs[0].Value); !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%q:\n got %#v\nwant %#v", text, got, want)
		}
	}
}

// kubectls decodes as kubectl does: what starts with a brace is JSON.
func kubectls(text string, into *map[string]any) error {
	if strings.HasPrefix(text, "{") {
		return json.Unmarshal([]byte(text), into)
	}
	return yaml.Unmarshal([]byte(strings.TrimPrefix(text, "\xef\xbb\xbf")), into)
}

// asJSON makes integers floats, as decoding JSON does.
func asJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = asJSON(e)
		}
		return m
	case []any:
		l := make([]any, 0, len(v))
		for _, e := range v {
			l = append(l, asJSON(e))
		}
		return l
	case int64:
		return float64(v)
	default:
		return v
	}
}

func TestDocuments(t *testing.T) {
	docs, syntax := Parse([]byte("# only a comment\n---\na: 1\n---\n---\nnull\n--- # two\nb: 2\n"))
	if syntax != nil || len(docs) != 2 {
		t.Fatalf("%v %v", docs, syntax)
	}
	if got := docs[1].At("b"); got != (Position{Line: 8, Column: 4}) {
		t.Errorf("b is at %v", got)
	}
}

func TestListItems(t *testing.T) {
	docs, _ := Parse([]byte("kind: List\nitems:\n- a: 1\n- b:\n    c: 2\n"))
	items := docs[0].Items()
	if len(items) != 2 || items[1].At("b.c") != (Position{Line: 5, Column: 8}) {
		t.Errorf("items %v", items)
	}
	if docs, _ := Parse([]byte("kind: List\nitems: 5\n")); docs[0].Items() != nil {
		t.Error("items of a number")
	}
}

func TestPositions(t *testing.T) {
	docs, syntax := Parse([]byte(`metadata:
  name: x
  labels:
    app.kubernetes.io/name: y
    app: z
spec:
  rules:
  - name: a
    port: 80
  - {name: b}
  empty:
`))
	if syntax != nil {
		t.Fatal(syntax)
	}
	for path, want := range map[string][2]Position{
		"":                                       {{1, 1}, {1, 1}},
		"metadata.name":                          {{2, 9}, {2, 3}},
		"metadata.labels":                        {{3, 3}, {3, 3}},
		"metadata.labels[app]":                   {{5, 10}, {5, 5}},
		"metadata.labels.app":                    {{5, 10}, {5, 5}},
		"metadata.labels.app.kubernetes.io/name": {{4, 29}, {4, 5}},
		"metadata.labels[app.kubernetes.io/name]": {{4, 29}, {4, 5}},
		"spec.rules[0].port":                      {{9, 11}, {9, 5}},
		"spec.rules[1]":                           {{10, 5}, {10, 5}},
		"spec.rules[1].name":                      {{10, 12}, {10, 6}},
		"spec.rules[1].missing":                   {{10, 5}, {10, 5}},
		"spec.rules[7]":                           {{7, 3}, {7, 3}},
		"spec.missing.deep[3].x":                  {{6, 1}, {6, 1}},
		"spec.empty":                              {{11, 3}, {11, 3}},
		"[broken":                                 {{1, 1}, {1, 1}},
	} {
		if got := docs[0].At(path); got != want[0] {
			t.Errorf("At(%q) = %v, want %v", path, got, want[0])
		}
		if got := docs[0].KeyAt(path); got != want[1] {
			t.Errorf("KeyAt(%q) = %v, want %v", path, got, want[1])
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [1, 2\n":           "2:1: did not find expected ',' or ']'",
		"a: 1\nb:\n  c: {d: 1":       "3:3: did not find expected ',' or '}'",
		"a:\n\tb: 1\n":               "2:1: found a tab character where YAML wants spaces",
		"a: 1\nb: 'unfinished\n":     "2:1: found unexpected end of stream",
		"a: b: c\n":                  "1:1: mapping values are not allowed in this context",
		"a: *nowhere\n":              "1:1: unknown anchor 'nowhere' referenced",
		"{\"a\": 1":                  "1:1: did not find expected ',' or '}'",
		"a: 1\n b: 2\n":              "2:2: mapping values are not allowed in this context",
		"a:\n  - b\n  c: 1\n":        "2:3: did not find expected '-' indicator",
		"a: 1\n  - b\nc\n":           "3:1: could not find expected ':'",
		"kind: Service\n  name: x\n": "2:3: mapping values are not allowed in this context",
	} {
		docs, syntax := Parse([]byte(text))
		if len(syntax) != 1 || syntax[0].Error() != want || docs != nil {
			t.Errorf("%q: %v, want %s", text, syntax, want)
		}
	}
	if _, syntax := Parse([]byte("a: \xff\xfe\n")); len(syntax) != 1 || syntax[0].Line != 1 {
		t.Errorf("bytes that are no text: %v", syntax)
	}
}

func TestViolations(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb:\n  c: 1\n  c: 2\n":      `b.c 4:3 DuplicateKey: key "c" is already set in this mapping`,
		"- a\n":                           " 1:1 Syntax: a manifest is a mapping of fields, such as apiVersion, kind and metadata",
		"just words\n":                    " 1:1 Syntax: a manifest is a mapping of fields, such as apiVersion, kind and metadata",
		"a: .nan\n":                       "a 1:4 Syntax: .nan is not a number that JSON knows",
		"a: !!c2VjcmV0c2VjcmV0c2VjcmV0\n": "a 1:4 Syntax: the tag !!c2VjcmV0c2VjcmV0c2... has no meaning here",
		"a: !foo bar\n":                   "a 1:4 Syntax: the tag !foo has no meaning here",
		"a: !!binary '%%%'\n":             "a 1:4 Syntax: !!binary needs base64: illegal base64 data at input byte 0",
		"? [a]\n: b\n":                    " 1:3 Syntax: a key is a string, not a list or a mapping",
		"~: b\n":                          " 1:1 Syntax: a key is a string, not null",
		"a:\n  <<: 5\n":                   "a 2:7 Syntax: a merge key needs a mapping, or a list of mappings",
	} {
		docs, syntax := Parse([]byte(text))
		if syntax != nil || len(docs) != 1 || len(docs[0].Violations) != 1 {
			t.Errorf("%q: %v %v", text, syntax, docs)
			continue
		}
		v := docs[0].Violations[0]
		at := docs[0].Position(v)
		if got := fmt.Sprintf("%s %d:%d %s: %s", v.Path, at.Line, at.Column, v.Rule, v.Message); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestAliasesCannotBlowUp(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	docs, syntax := Parse([]byte(b.String()))
	if syntax != nil || len(docs) != 1 || len(docs[0].Violations) != 1 {
		t.Fatalf("%v %v", syntax, docs)
	}
	if docs, _ := Parse([]byte("a: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000))); len(docs[0].Violations) != 1 {
		t.Error("deep nesting is accepted")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"kind: Service\napiVersion: v1\nmetadata: {name: x}\n", "{\"a\": [1, 2]}", "a: &x [*x]\n", "a: b: c", "---\n---\n",
		"a:\n\t- b", "\xef\xbb\xbfa: 1\r\n", "<<: {a: 1}\n", "kind: List\nitems:\n- a: 1\n", "? a\n: b\n", "!!binary x", "a: !!int x",
	} {
		f.Add([]byte(seed), "spec.a[0]")
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		docs, syntax := Parse(data)
		for _, e := range syntax {
			if e.Line < 1 || e.Column < 1 {
				t.Errorf("syntax error without a place: %v", e)
			}
		}
		for _, d := range docs {
			d.At(path)
			d.KeyAt(path)
			for _, item := range d.Items() {
				item.At(path)
			}
			d.SortViolations(d.Violations)
		}
	})
}

// A broken document does not take the others of its file along, and their places stay true.
func TestParseAroundABrokenDocument(t *testing.T) {
	docs, errs := Parse([]byte("a: 1\n---\nb: [\n---\n# c\nc:\n  d: 2\n--- # more\n e: {\n"))
	if len(docs) != 2 || len(errs) != 2 {
		t.Fatalf("%d documents, %v", len(docs), errs)
	}
	if at := docs[1].At("c.d"); docs[1].Start().Line != 6 || at.Line != 7 {
		t.Errorf("the second begins at %v, c.d is at %v", docs[1].Start(), at)
	}
	if errs[0].Line < 3 || errs[0].Line > 4 || errs[1].Line < 9 {
		t.Errorf("errors at %v", errs)
	}
	if _, errs := Parse([]byte("replicas: {{ .Values.n }}\n")); len(errs) > 0 && !strings.Contains(errs[0].Message, "helm template") {
		t.Errorf("a template: %v", errs)
	}
}
