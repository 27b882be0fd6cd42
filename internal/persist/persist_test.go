package persist_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newObject(apiVersion, kind string) (store.Object, bool) {
	switch apiVersion + "/" + kind {
	case "v1/Service":
		return &corev1.Service{}, true
	case "gateway.networking.k8s.io/v1/HTTPRoute":
		return &gatewayv1.HTTPRoute{}, true
	}
	return nil, false
}

func limits() persist.Limits { return persist.Limits{Now: now, MaxAge: time.Hour, New: newObject} }

func route() *gatewayv1.HTTPRoute {
	return &gatewayv1.HTTPRoute{
		TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "r", Generation: 3},
		Spec:       gatewayv1.HTTPRouteSpec{Hostnames: []gatewayv1.Hostname{"a.example.com"}},
	}
}

func service(name string) *corev1.Service {
	return &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: name}}
}

func urlMap(name string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: name + "-default"}}}
}

func state() *persist.State {
	written := &store.Written{
		Annotations: map[string]string{"a": "1"}, Finalizers: []string{"f"},
		Status: &gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: []gatewayv1.RouteParentStatus{{ControllerName: "x"}}}},
	}
	return &persist.State{
		SavedAt: now, Seq: 7,
		Units: map[recompute.ID]recompute.Published{
			{Kind: "attachment", Key: "x y"}: {
				Resources: []*lbv1.Resource{urlMap("m")}, Withheld: []*lbv1.Resource{urlMap("n")},
				Tallies: []recompute.Tally{{Index: "i", Key: "k", Member: "m"}}, Reads: []recompute.ID{{Kind: "backend", Key: "b"}}, Good: route(),
			},
			{Kind: "attachment", Key: "x"}: {Resources: []*lbv1.Resource{urlMap("o")}},
		},
		Objects: []persist.Object{
			{Cluster: "west", Object: route(), Origin: "west/r.yaml:3", SeenAt: now.Add(-time.Minute), Written: written},
			{Cluster: "west", Object: service("a"), SeenAt: now},
		},
	}
}

func encode(t *testing.T, s *persist.State) []byte {
	t.Helper()
	b, err := persist.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expectEqual compares states; resources are compared as protobuf.
func expectEqual(t *testing.T, got, want *persist.State) {
	t.Helper()
	for id, p := range want.Units {
		q := got.Units[id]
		for _, pair := range [][2][]*lbv1.Resource{{p.Resources, q.Resources}, {p.Withheld, q.Withheld}} {
			if len(pair[0]) != len(pair[1]) {
				t.Fatalf("%s: %v became %v", id, pair[0], pair[1])
			}
			for i := range pair[0] {
				if !proto.Equal(pair[0][i], pair[1][i]) {
					t.Errorf("%s: %v became %v", id, pair[0][i], pair[1][i])
				}
			}
		}
		p.Resources, p.Withheld, q.Resources, q.Withheld = nil, nil, nil, nil
		if !reflect.DeepEqual(p, q) {
			t.Errorf("%s: %v became %v", id, p, q)
		}
	}
	if len(got.Units) != len(want.Units) || got.Seq != want.Seq || !got.SavedAt.Equal(want.SavedAt) || !reflect.DeepEqual(got.Objects, want.Objects) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAStateComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "of-dir")
	if s, err := persist.Load(path, limits()); err != nil || len(s.Units)+len(s.Objects) > 0 {
		t.Errorf("no file is %v, %v", s, err)
	}
	for range 2 { // the second replaces the first
		if err := persist.Save(path, state()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := persist.Load(path, limits())
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, got, state())
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	if !bytes.Equal(encode(t, state()), encode(t, got)) {
		t.Error("equal states make different files")
	}
}

func TestWhatIsTooOldIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := persist.Save(path, state()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after          time.Duration
		units, objects int
	}{{time.Hour - time.Minute, 2, 2}, {time.Hour - time.Second, 2, 1}, {time.Hour, 2, 1}, {time.Hour + time.Second, 0, 0}} {
		l := limits()
		l.Now = now.Add(c.after)
		s, err := persist.Load(path, l)
		if err != nil || len(s.Units) != c.units || len(s.Objects) != c.objects || s.Seq != 7 {
			t.Errorf("after %v: %d units, %d objects, seq %d, %v", c.after, len(s.Units), len(s.Objects), s.Seq, err)
		}
	}
}

func TestABrokenFileIsAnErrorInWords(t *testing.T) {
	good := encode(t, state())
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":       {nil, "it is not a state file"},
		"other":       {[]byte("apiVersion: v1\n"), "it is not a state file"},
		"cut off":     {good[:len(good)-1], "its checksum is wrong"},
		"changed":     {append(bytes.Clone(good[:len(good)-9]), []byte("123456789")...), "its checksum is wrong"},
		"old version": {bytes.Replace(good, []byte("spillway-state 1 "), []byte("spillway-state 0 "), 1), "it is of version 0"},
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := persist.Load(path, limits())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "is ignored") || s == nil || len(s.Units) > 0 {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestAnUnknownKindIsLeftOut(t *testing.T) {
	s := state()
	s.Objects = append(s.Objects, persist.Object{Cluster: "west", SeenAt: now, Object: &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}})
	got, err := persist.Decode(encode(t, s), newObject)
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, got, state())
}

func TestOnlyWhatIsKeptIsGathered(t *testing.T) {
	st := store.New()
	snapshot := st.Commit(func(tx *store.Tx) {
		tx.Put("west", service("a"), "west/a.yaml:1")
		tx.PutLastKnown("west", service("b"), "west/b.yaml:1", now.Add(-time.Minute))
		tx.Put("west", service("derived"), "controller")
	})
	got := persist.Of(snapshot, now, func(e *store.Entry) bool { return e.Origin != "controller" })
	text := ""
	for _, o := range got {
		text += fmt.Sprintln(o.Ref().Name, o.Origin, o.SeenAt.Sub(now))
	}
	if text != "a west/a.yaml:1 0s\nb west/b.yaml:1 -1m0s\n" {
		t.Errorf("gathered:\n%s", text)
	}
}

// FuzzDecode: whatever is in a file, it is a state or an error.
func FuzzDecode(f *testing.F) {
	b, err := persist.Encode(state())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("spillway-state 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := persist.Decode(b, newObject); (s == nil) == (err == nil) {
			t.Errorf("%v, %v", s, err)
		}
	})
}
