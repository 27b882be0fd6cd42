package compute_test

import (
	"encoding/json"
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
	"route_rule.grpc":                                     "how local answers are worded; Google's URL maps have no such thing",
	"url_map.listener_hosts":                              "hosts without a rule; Google's URL maps know no listeners",
	"url_map.detect_misdirected":                          "of the proxy's own",
	"backend_service.target":                              "a label of the access log",
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
	"health_check.proxy_header":                           "shown for every type but GRPC, which the test has",
	"forwarding_rule.vips.name":                           "a name that a second rule has already",
	"target_proxy.tls.server_names.client_validation.trust_configs": "no collection of gcloud compute",
}

// TestNothingIsIgnored sets every field of the model to something else, one at a time, and wants what is shown to differ.
func TestNothingIsIgnored(t *testing.T) {
	bodies := (&lbv1.Resource{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		body := bodies.Get(i)
		eachField(body.Message(), nil, func(path []protoreflect.FieldDescriptor) {
			name := string(body.Name())
			for _, f := range path {
				name += "." + string(f.Name())
			}
			if reasonFor(name) != "" {
				return
			}
			before, after := fullModel(body, path, false), fullModel(body, path, true)
			if shown(t, before) == shown(t, after) {
				t.Errorf("%s changes nothing that `compute describe` shows", name)
			}
		})
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

// shown is all that the collections, and the list of a group's endpoints, show of a model.
func shown(t *testing.T, m *lbv1.Model) string {
	t.Helper()
	view := compute.Model{Model: proto.Clone(m).(*lbv1.Model), Project: "p", Home: "x"}
	var all []any
	for _, c := range compute.Collections() {
		for _, r := range c.Resources(view) {
			all = append(all, c.Name, r)
		}
	}
	endpoints, _ := compute.Endpoints(view, "", func(compute.Resource) bool { return true })
	text, err := json.Marshal(append(all, endpoints))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
