package values

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/requestpath"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// atLeast is how many values there are, so that nobody takes a table away by mistake.
const atLeast = 8000

const base = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: default}
spec: {selector: {app: a}, ports: [{name: main, port: 80, targetPort: 8080}]}
` + extended

// With -values.more there are that many texts more for each field that takes one, drawn by -values.seed.
var (
	more = flag.Int("values.more", 0, "how many odd texts to draw beside those of the table")
	seed = flag.Uint64("values.seed", 1, "of the texts that are drawn")
)

// TestValues sends every value through at once, each with a host of its own.
func TestValues(t *testing.T) {
	w := newWorld(t)
	odd, headers = append(odd, drawn(*more, *seed, 1)...), append(headers, drawn(*more, *seed, 2)...)
	values := all()
	if len(values) < atLeast {
		t.Errorf("%d values are fewer than %d", len(values), atLeast)
	}
	admitted := w.load(values)
	served, refused := 0, 0
	for _, i := range admitted {
		switch words, err := w.judge(i, &values[i]); {
		case err != nil:
			text, _ := json.Marshal(values[i].doc["spec"])
			t.Errorf("%s: %v: %s", values[i].field, err, text)
		case words != "":
			refused++
		default:
			served++
		}
	}
	t.Logf("%d values: %d served as written, %d refused in words, %d refused by schema", len(values), served, refused, len(values)-len(admitted))
}

// world is what becomes of the values.
type world struct {
	t          *testing.T
	root       *config.Root
	maps       map[string]*urlmap.Map
	rules      map[string][]*lbv1.RouteRule  // by route
	extensions map[string]*lbv1.LbExtension  // by extension
	listens    map[string]bool               // by Gateway
	status     map[string][]metav1.Condition // by kind and name
	events     map[string]string
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, maps: map[string]*urlmap.Map{}, rules: map[string][]*lbv1.RouteRule{}, extensions: map[string]*lbv1.LbExtension{}, listens: map[string]bool{}, status: map[string][]metav1.Condition{}, events: map[string]string{},
	}
}

func name(i int) string { return fmt.Sprintf("v%d", i) }

// load returns the values that the schema admits, and translates them.
func (w *world) load(values []value) (admitted []int) {
	loader := manifests.NewLoader()
	events := []manifests.Event{{Path: "base.yaml", Data: []byte(base)}}
	for i := range values {
		events = append(events, manifests.Event{Path: name(i) + ".yaml", Data: document(i, &values[i])})
	}
	delta := loader.Load(events, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	bad := map[string]bool{}
	for _, p := range delta.Problems {
		if p.Severity == manifests.Error {
			bad[p.File] = true
		}
	}
	s := store.New(translate.Indexes()...)
	sub := s.Subscribe()
	s.Commit(func(tx *store.Tx) { delta.Apply(tx) })
	engine := recompute.New(translate.Config(translate.Options{Traffic: translate.Proximity()}))
	round := engine.Run(sub.Take())
	for _, p := range round.Problems {
		w.t.Errorf("problem: %v", p)
	}
	if _, refusals := translate.NewPublisher().Check(round.Tx); len(refusals) > 0 {
		w.t.Errorf("internal error: not published: %v", refusals)
	}
	root, err := config.NewWith(config.Location{}, chains.Compiler{}.Provider()).Apply(round.Tx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.root = root
	w.note(engine.Resources(), round.Writes)
	for i := range values {
		if !bad[name(i)+".yaml"] {
			admitted = append(admitted, i)
		}
	}
	return admitted
}

func (w *world) note(resources []*lbv1.Resource, writes []recompute.WriteChange) {
	for _, r := range resources {
		if p := r.GetTargetProxy(); p != nil {
			w.maps[p.GetUrlMap()] = w.root.TargetProxy(r.GetName()).Map
		}
		if f := r.GetForwardingRule(); f != nil {
			ref, _ := owner.Ref(f.GetOwner())
			w.listens[ref.Name] = true
		}
		w.noteExtension(r.GetLbRouteExtension())
		w.noteExtension(r.GetLbTrafficExtension())
		if rule := r.GetRouteRule(); rule != nil {
			w.rules[rule.GetRoute()] = append(w.rules[rule.GetRoute()], rule)
		}
	}
	for _, c := range writes {
		kind, _, _ := strings.Cut(c.Ref.Kind, ".")
		key := kind + "/" + c.Ref.Name
		if c.Part == recompute.PartStatus {
			w.status[key] = append(w.status[key], conditions(w.t, c.Value)...)
		}
		if e, ok := c.Value.(recompute.Event); ok && e.Type == "Warning" {
			w.events[key] += e.Message
		}
	}
}

// conditions finds them at any depth of a status.
func conditions(t *testing.T, status any) []metav1.Condition {
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	var out []metav1.Condition
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case object:
			for key, inner := range v {
				if key != "conditions" {
					walk(inner)
					continue
				}
				var list []metav1.Condition
				text, _ := json.Marshal(inner)
				if err := json.Unmarshal(text, &list); err != nil {
					t.Fatal(err)
				}
				out = append(out, list...)
			}
		}
	}
	walk(plain)
	return out
}

// document is a value's object, with a Service and a route of its own where it needs them.
func document(i int, v *value) []byte {
	own := name(i)
	doc := object{}
	for key, field := range v.doc {
		doc[key] = field
	}
	if doc["metadata"] == nil {
		doc["metadata"] = object{"name": own, "namespace": "default"}
	}
	docs := []object{doc}
	spec := doc["spec"].(object)
	switch doc["kind"] {
	case "HTTPRoute", "GRPCRoute":
		spec["hostnames"] = []any{own + ".test"}
	case "Gateway", "GCPWasmPlugin":
	case "Ingress", "BackendConfig", "FrontendConfig":
		docs = withIngress(doc)
	case "GCPTrafficExtension", "GCPRoutingExtension", "GCPGatewayPolicy":
		docs = append(docs, gatewayOf(own))
	case "Service":
		docs = append(docs, routeTo(own))
	default:
		docs = append(docs, service([]any{object{"name": "main", "port": 80, "targetPort": 8080}}, nil), routeTo(own))
		docs[1]["metadata"] = doc["metadata"]
	}
	var text strings.Builder
	for _, d := range docs {
		out, err := json.Marshal(d)
		if err != nil {
			panic(err)
		}
		text.WriteString(strings.NewReplacer(`"OWN"`, `"`+own+`"`, `"OWN.test"`, `"`+own+`.test"`, `\"OWN\"`, `\"`+own+`\"`).Replace(string(out)) + "\n---\n")
	}
	return []byte(text.String())
}

func routeTo(own string) object {
	doc := rule(object{"backendRefs": []any{object{"name": own, "port": 80}}})
	doc["metadata"] = object{"name": own, "namespace": "default"}
	doc["spec"].(object)["hostnames"] = []any{own + ".test"}
	return doc
}

// judge returns the words of a refusal, "" for what is served as it is written, and an error for what is neither.
func (w *world) judge(i int, v *value) (words string, err error) {
	kind := v.doc["kind"].(string)
	if kind == "Ingress" || kind == "BackendConfig" || kind == "FrontendConfig" {
		return w.judgeIngress(i, v)
	}
	if words = w.refusal(kind + "/" + name(i)); words == "" && kind != "HTTPRoute" && kind != "GRPCRoute" && w.status["HTTPRoute/"+name(i)] != nil {
		words = w.refusal("HTTPRoute/" + name(i))
	}
	route := kind == "HTTPRoute" || kind == "GRPCRoute"
	listens := kind == "Gateway" || kind == "GCPGatewayPolicy"
	extension := kind == "GCPTrafficExtension" || kind == "GCPRoutingExtension"
	switch {
	case words == "" && extension:
		return "", w.extends(name(i))
	case words == "" && route:
		return "", w.serves(i, v)
	case words == "" && len(w.status[kind+"/"+name(i)]) == 0 && kind != "Service" && kind != "GCPWasmPlugin":
		return "", fmt.Errorf("there is no status")
	case words == "" && listens && !w.listens[name(i)]:
		return "", fmt.Errorf("every condition is fine, and nothing listens")
	case words == "" && w.status["HTTPRoute/"+name(i)] != nil:
		return "", w.serves(i, v)
	case words != "" && route && !strings.Contains(words, "spec.rules[0]") && !strings.Contains(words, "not found") && !strings.Contains(words, "not supported") && !strings.Contains(words, "ReferenceGrant"):
		return "", fmt.Errorf("the refusal does not name the field: %s", words)
	}
	return words, nil
}

// refusal is what the conditions of an object have against it.
func (w *world) refusal(key string) string {
	for _, c := range w.status[key] {
		bad := c.Status == metav1.ConditionFalse
		if c.Type == "PartiallyInvalid" || c.Type == "Conflicted" {
			bad = c.Status == metav1.ConditionTrue
		}
		if bad {
			if c.Message == "" {
				return c.Reason + " (no words)"
			}
			return c.Message
		}
	}
	return ""
}

// serves asks for what a rule is to answer.
func (w *world) serves(i int, v *value) error {
	rules := w.rules["default/"+name(i)]
	if len(rules) == 0 {
		return fmt.Errorf("every condition is fine, and there is no rule")
	}
	a := v.ask
	if a == nil {
		a = &ask{path: "/"}
	}
	if a.path == "?" { // an expression: what it is for is known to itself only
		return nil
	}
	req := request(name(i)+".test", a)
	got := w.maps[rules[0].GetUrlMap()].Match(req)
	if got == nil || got.Route != "default/"+name(i) {
		return fmt.Errorf("every condition is fine, and %s %s is not answered by the rule", req.Method, req.Path)
	}
	return w.rewrites(got, req)
}

// rewrites looks at the path that goes on: a target has no raw byte that a target cannot have.
func (w *world) rewrites(r *urlmap.Rule, req *message.Request) error {
	targets := [][]byte{}
	if r.Redirect != nil {
		targets = append(targets, r.Redirect.Location(nil, req, 80, nil))
	}
	r.Rewrite.Apply(req, nil)
	if b := r.Choose(); b != nil {
		b.Rewrite.Apply(req, nil)
		if b.Redirect != nil {
			targets = append(targets, b.Redirect.Location(nil, req, 80, nil))
		}
	}
	for _, target := range append(targets, req.Path) {
		for _, c := range target {
			if c <= ' ' || c >= 0x7f || c == '#' {
				return fmt.Errorf("%q goes out", target)
			}
		}
	}
	return nil
}

// request is as the codecs make it.
func request(host string, a *ask) *message.Request {
	req := &message.Request{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte(host), Path: []byte("/")}
	if a.method != "" {
		req.Method = []byte(a.method)
	}
	if a.path != "" {
		req.Path = requestpath.Normalize([]byte(a.path))
		policy := requestpath.Compile(nil)
		if reading, err := policy.Read(req.Path); err == nil {
			req.RoutePath = reading.Matched
		}
	}
	if a.upgrade != "" {
		req.Protocol = []byte(a.upgrade)
	}
	if a.header != "" {
		req.Header.Add([]byte(a.header), []byte(a.value))
	}
	return req
}
