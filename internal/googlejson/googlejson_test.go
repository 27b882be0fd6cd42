package googlejson_test

import (
	"encoding/json"
	"math/rand"
	"reflect"
	"testing"

	api "google.golang.org/api/compute/v1"
	"google.golang.org/api/googleapi"
	networkservices "google.golang.org/api/networkservices/v1"

	"github.com/spillway-lb/spillway/internal/googlejson"
)

// same checks that a value's JSON is what its own MarshalJSON says.
func same(t *testing.T, e *googlejson.Encoder, value any) {
	t.Helper()
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Append(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%T:\n%s, want\n%s", value, got, want)
	}
}

func TestAppend(t *testing.T) {
	var e googlejson.Encoder
	for _, value := range []any{
		nil, "text", &api.BackendService{},
		api.BackendService{Name: "by value"},
		&api.BackendService{Name: "quote\" <&> \u2028 \xff é", Id: 1 << 62, TimeoutSec: 30, Backends: []*api.Backend{{
			CapacityScaler: 0, MaxRatePerEndpoint: 1e8, ForceSendFields: []string{"CapacityScaler"},
		}, nil}},
		&api.BackendService{ForceSendFields: []string{"TimeoutSec", "Backends", "Cdn", "EnableCDN", "ConnectionDraining", "Metadatas", "Id"}},
		&api.BackendService{NullFields: []string{"Name"}},
		&api.Backend{MaxRatePerEndpoint: 1e-9, MaxUtilization: 1e22, CapacityScaler: -0.5},
		&api.NetworkEndpointGroup{Annotations: map[string]string{"b": "1", "a\"": "2"}, ForceSendFields: []string{"Size"}},
		&api.NetworkEndpointGroup{ForceSendFields: []string{"Annotations"}},
		&networkservices.ExtensionChainExtension{Metadata: googleapi.RawMessage(`{"k": [1, "v"]}`)},
		map[string]any{"zone": []string{"a"}, "n": 1.5},
		[]byte("bytes"), []string(nil), map[string]string(nil), (*api.Backend)(nil),
	} {
		same(t, &e, value)
	}
	if _, err := e.Append(nil, make(chan int)); err == nil {
		t.Error("a channel was written")
	}
}

// TestAnyStruct fills Google's structs at random, to any depth, and forces fields of theirs at random.
func TestAnyStruct(t *testing.T) {
	var e googlejson.Encoder
	random := rand.New(rand.NewSource(1))
	for range 150 {
		for _, value := range []any{
			&api.BackendService{}, &api.NetworkEndpointGroup{}, &api.UrlMap{}, &api.HealthCheck{}, &api.ForwardingRule{}, &api.Address{},
			&api.TargetHttpsProxy{}, &api.SslPolicy{}, &api.SslCertificate{}, &api.Operation{}, &networkservices.WasmPlugin{},
		} {
			fill(random, reflect.ValueOf(value).Elem(), 4)
			same(t, &e, value)
		}
	}
}

// fill puts something into about half of what can be reached.
func fill(random *rand.Rand, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		fillStruct(random, v, depth)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem(), depth-1)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[googleapi.RawMessage]() {
			v.SetBytes([]byte(`{"raw":1}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), random.Intn(3), 3))
		for i := range v.Len() {
			fill(random, v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if depth > 0 {
			member := reflect.New(v.Type().Elem()).Elem()
			fill(random, member, depth-1)
			v.SetMapIndex(reflect.ValueOf("key"), member)
		}
	case reflect.String:
		v.SetString([]string{"", "a", "é<"}[random.Intn(3)])
	case reflect.Bool:
		v.SetBool(random.Intn(2) == 0)
	case reflect.Int64:
		v.SetInt(random.Int63())
	case reflect.Uint64:
		v.SetUint(random.Uint64())
	case reflect.Float64:
		v.SetFloat(random.NormFloat64() * 1e9)
	}
}

func fillStruct(random *rand.Rand, v reflect.Value, depth int) {
	var fields []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if !v.Field(i).CanSet() || name == "ForceSendFields" || name == "NullFields" || name == "ServerResponse" {
			continue
		}
		if depth > 0 && random.Intn(2) == 0 {
			fill(random, v.Field(i), depth)
		}
		if random.Intn(8) == 0 {
			fields = append(fields, name)
		}
	}
	if force := v.FieldByName("ForceSendFields"); force.IsValid() && random.Intn(2) == 0 {
		force.Set(reflect.ValueOf(fields))
	}
}
