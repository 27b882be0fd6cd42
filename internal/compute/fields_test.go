package compute_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
)

// notShown are the fields of the model that `compute describe` leaves out, and why.
var notShown = map[string]string{
	"owner":                                               "Kubernetes' name of what made it; the description says it",
	"route_rule.precedence":                               "the order of the rules shows it",
	"route_rule.rule":                                     "a number within the route",
	"route_rule.request_timeout_disabled":                 "shown where there is no timeout",
	"route_rule.backend_timeout_disabled":                 "shown where there is no timeout",
	"url_map.listener_hosts":                              "hosts without a rule; Google's URL maps know no listeners",
	"url_map.detect_misdirected":                          "of the proxy's own",
	"url_map.one_label_wildcards":                         "of the proxy's own",
	"network_endpoint_group.shards":                       "a grain of the model",
	"network_endpoint_group.region":                       "the zone says it",
	"network_endpoint_group.zone":                         "the name begins with it",
	"endpoint_shard.index":                                "a grain of the model",
	"endpoint_shard.endpoints.draining":                   "get-health shows it",
	"endpoint_shard.endpoints.pod":                        "get-health shows it",
	"ssl_certificate.private_key_pem":                     "a secret",
	"lb_route_extension.chains.extensions.bearer_token":   "a secret",
	"lb_traffic_extension.chains.extensions.bearer_token": "a secret",
	"trust_config":                                        "no collection of gcloud compute",
	"endpoint_health":                                     "get-health shows it",
	"weights":                                             "of the proxies' own",
	"forwarding_rule.vips.name":                           "a name that a second rule has already",
}

var update = flag.Bool("update", false, "write testdata/fields.txt anew")

// TestNothingIsIgnored sets every field of the model to something else, one at a time, and wants what is shown to differ. Where
// it shows is in testdata/fields.txt: a field that moves is seen there.
func TestNothingIsIgnored(t *testing.T) {
	var table strings.Builder
	unchanged := map[string]map[string]string{} // what is shown with no field changed, by the alternatives that are set
	bodies := (&lbv1.Resource{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		body := bodies.Get(i)
		eachField(body.Message(), nil, func(path []protoreflect.FieldDescriptor) {
			name := string(body.Name())
			for _, f := range path {
				name += "." + string(f.Name())
			}
			if reason := reasonFor(name); reason != "" {
				fmt.Fprintf(&table, "%s: not shown: %s\n", name, reason)
				return
			}
			of := alternatives(body, path)
			if unchanged[of] == nil {
				unchanged[of] = shown(t, fullModel(body, path, false))
			}
			places := changedPlaces(unchanged[of], shown(t, fullModel(body, path, true)))
			if len(slices.DeleteFunc(slices.Clone(places), derived.MatchString)) == 0 {
				t.Errorf("%s changes nothing that the APIs show, but %v", name, places)
			}
			fmt.Fprintf(&table, "%s: %s\n", name, strings.Join(places, ", "))
		})
	}
	const golden = "testdata/fields.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != table.String() {
		t.Errorf("%s is not what is shown (%v): run go test ./internal/compute -update and look at the difference", golden, err)
	}
}

// reasonFor finds a reason for a field, a message around it, or a field of any message.
func reasonFor(name string) string {
	parts := strings.Split(name, ".")
	for i := range parts {
		if reason := notShown[strings.Join(parts[:i+1], ".")]; reason != "" {
			return reason
		}
		if i > 0 && parts[i] == "owner" {
			return notShown["owner"]
		}
	}
	return ""
}

// eachField visits the fields that hold no messages, by their paths.
func eachField(m protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor, visit func([]protoreflect.FieldDescriptor)) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		here := append(append([]protoreflect.FieldDescriptor{}, path...), f)
		if f.Message() != nil && !isDuration(f) {
			eachField(f.Message(), here, visit)
			continue
		}
		visit(here)
	}
}

func isDuration(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && f.Message().FullName() == "google.protobuf.Duration"
}

// alternatives are the members of oneofs, and the type of health check, that a path needs.
func alternatives(body protoreflect.FieldDescriptor, path []protoreflect.FieldDescriptor) string {
	text := checkType(body, path).String()
	for _, f := range path {
		if f.ContainingOneof() != nil {
			text += " " + string(f.FullName())
		}
	}
	return text
}

// checkType is the type of health check that has the field at the end of a path.
func checkType(body protoreflect.FieldDescriptor, path []protoreflect.FieldDescriptor) lbv1.HealthCheck_Type {
	switch string(body.Name()) + "." + string(path[0].Name()) {
	case "health_check.host", "health_check.request_path", "health_check.proxy_header":
		return lbv1.HealthCheck_HTTP
	case "health_check.request", "health_check.response":
		return lbv1.HealthCheck_TCP
	}
	return lbv1.HealthCheck_GRPC
}

// fullModel has one resource of every kind, all of one name, with every field set; of alternatives, those on the path.
// If changed, the field at the end of the path has another value in one of the resources.
func fullModel(body protoreflect.FieldDescriptor, path []protoreflect.FieldDescriptor, changed bool) *lbv1.Model {
	m := &lbv1.Model{}
	bodies := (&lbv1.Resource{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		r := &lbv1.Resource{Name: "x"}
		f := bodies.Get(i)
		var along []protoreflect.FieldDescriptor
		if f == body {
			along = path
		}
		fill(r.ProtoReflect().Mutable(f).Message(), along, changed)
		if h := r.GetHealthCheck(); h != nil && h.GetType() == lbv1.HealthCheck_GRPC {
			h.Type = checkType(body, path)
		}
		if shard := r.GetEndpointShard(); shard != nil {
			shard.Group += "/x"
		}
		m.Resources = append(m.Resources, r)
	}
	return m
}

func fill(m protoreflect.Message, along []protoreflect.FieldDescriptor, changed bool) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		onPath := len(along) > 0 && along[0] == f
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() && !onPath {
			if o.Fields().Get(0) != f || len(along) > 0 && along[0].ContainingOneof() == o {
				continue
			}
		}
		var rest []protoreflect.FieldDescriptor
		if onPath {
			rest = along[1:]
		}
		setField(m, f, rest, changed && onPath && len(rest) == 0, changed && onPath)
	}
}

func setField(m protoreflect.Message, f protoreflect.FieldDescriptor, rest []protoreflect.FieldDescriptor, here, below bool) {
	switch {
	case isDuration(f):
		setDuration(m.Mutable(f).Message(), here)
	case f.IsMap():
		changed := func(part protoreflect.FieldDescriptor) bool { return below && rest[0] == part }
		m.Mutable(f).Map().Set(sample(f.MapKey(), changed(f.MapKey())).MapKey(), sample(f.MapValue(), changed(f.MapValue())))
	case f.IsList() && f.Message() != nil:
		for range 2 {
			fill(m.Mutable(f).List().AppendMutable().Message(), rest, below)
		}
	case f.IsList():
		m.Mutable(f).List().Append(sample(f, here))
	case f.Message() != nil:
		fill(m.Mutable(f).Message(), rest, below)
	default:
		m.Set(f, sample(f, here))
	}
}

func setDuration(d protoreflect.Message, changed bool) {
	seconds := int64(7)
	if changed {
		seconds = 8
	}
	d.Set(d.Descriptor().Fields().ByName("seconds"), protoreflect.ValueOfInt64(seconds))
}

// sample is a value of a scalar field; every string is the name of everything.
func sample(f protoreflect.FieldDescriptor, changed bool) protoreflect.Value {
	n := 1
	if changed {
		n = 2
	}
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"", "x", "y"}[n])
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{byte(n)})
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(!changed)
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - n).Number())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(n) / 4)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	default:
		return protoreflect.ValueOfUint32(uint32(n))
	}
}

// shown is all that the collections, and the list of a group's endpoints, show of a model: values by their places.
func shown(t *testing.T, m *lbv1.Model) map[string]string {
	t.Helper()
	view := compute.NewView(compute.Model{Model: proto.Clone(m).(*lbv1.Model), Project: "p", Home: "x"})
	places := map[string]string{}
	for _, c := range compute.Collections() {
		for _, r := range view.Resources(c) {
			b, err := r.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			locate(t, places, c.Name, b)
		}
	}
	for _, e := range view.Endpoints("x", "x") {
		b, err := json.Marshal(view.NetworkEndpoint(e))
		if err != nil {
			t.Fatal(err)
		}
		locate(t, places, "listNetworkEndpoints.networkEndpoint", b)
	}
	return places
}

// locate notes each value of JSON under the path of its field.
func locate(t *testing.T, places map[string]string, path string, text []byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, member := range v {
				walk(path+"."+key, member)
			}
		case []any:
			for _, member := range v {
				walk(path+"[]", member)
			}
			places[path+".length"] += fmt.Sprint(len(v), ";")
		default:
			places[path] += fmt.Sprint(v, ";")
		}
	}
	walk(path, value)
}

// derived are places that show everything there is of a resource, or that it is there.
var derived = regexp.MustCompile(`(fingerprint|\.length|\.id|selfLink|\.createTime|creationTimestamp)$`)

// changedPlaces are where two models show something else, those that are derived only if there are no others.
func changedPlaces(before, after map[string]string) []string {
	var all []string
	for _, places := range []map[string]string{before, after} {
		for place := range places {
			if before[place] != after[place] && !slices.Contains(all, place) {
				all = append(all, place)
			}
		}
	}
	slices.Sort(all)
	direct := slices.DeleteFunc(slices.Clone(all), derived.MatchString)
	if len(direct) > 0 {
		return direct
	}
	return all
}
