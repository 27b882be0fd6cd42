package persist

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// The file is a line "spillway-state VERSION SHA256\n" and gzip of JSON, of which the sum is. Whoever changes the meaning
// of anything in it, or of what units publish, counts the version up: there is no reading of old ones.
const (
	magic   = "spillway-state"
	version = "1"
)

// maxBody bounds what a file may unpack to.
const maxBody = 4 << 30

type fileState struct {
	SavedAt time.Time    `json:"savedAt"`
	Seq     uint64       `json:"seq"`
	Units   []fileUnit   `json:"units,omitempty"`
	Objects []fileObject `json:"objects,omitempty"`
}

type fileUnit struct {
	Kind      string          `json:"kind"`
	Key       string          `json:"key"`
	Resources [][]byte        `json:"resources,omitempty"` // protobuf
	Withheld  [][]byte        `json:"withheld,omitempty"`
	Tallies   [][3]string     `json:"tallies,omitempty"` // index, key, member
	Reads     [][2]string     `json:"reads,omitempty"`   // kind, key
	Good      json.RawMessage `json:"good,omitempty"`
}

type fileObject struct {
	Cluster string          `json:"cluster"`
	Origin  string          `json:"origin,omitempty"`
	SeenAt  time.Time       `json:"seenAt"`
	Object  json.RawMessage `json:"object"`
	Written *fileWritten    `json:"written,omitempty"`
}

type fileWritten struct {
	Status      json.RawMessage   `json:"status,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Finalizers  []string          `json:"finalizers,omitempty"`
	Conditions  []string          `json:"conditions,omitempty"`
}

// Encode makes a file of a state: the same one of an equal state.
func Encode(s *State) ([]byte, error) {
	f := fileState{SavedAt: s.SavedAt.UTC(), Seq: s.Seq}
	ids := slices.SortedFunc(maps.Keys(s.Units), func(a, b recompute.ID) int {
		return strings.Compare(a.Kind+"\x00"+a.Key, b.Kind+"\x00"+b.Key)
	})
	for _, id := range ids {
		u, err := encodeUnit(id, s.Units[id])
		if err != nil {
			return nil, fmt.Errorf("unit %s: %w", id, err)
		}
		f.Units = append(f.Units, u)
	}
	for i := range s.Objects {
		o, err := encodeObject(&s.Objects[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Objects[i].Ref(), err)
		}
		f.Objects = append(f.Objects, o)
	}
	var body bytes.Buffer
	z, _ := gzip.NewWriterLevel(&body, gzip.BestSpeed) // fails for unknown levels only
	if err := errors.Join(json.NewEncoder(z).Encode(f), z.Close()); err != nil {
		return nil, err
	}
	return append([]byte(magic+" "+version+" "+sum(body.Bytes())+"\n"), body.Bytes()...), nil
}

// Decode is the inverse of Encode. It takes nothing of a file that it cannot take whole, but for objects of kinds that are
// not known.
func Decode(b []byte, newObject func(apiVersion, kind string) (store.Object, bool)) (*State, error) {
	body, err := open(b)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var f fileState
	if err := json.NewDecoder(bufio.NewReader(io.LimitReader(z, maxBody))).Decode(&f); err != nil {
		return nil, err
	}
	s := &State{SavedAt: f.SavedAt, Seq: f.Seq, Units: map[recompute.ID]recompute.Published{}}
	d := decoder{newObject}
	for i := range f.Units {
		id := recompute.ID{Kind: f.Units[i].Kind, Key: f.Units[i].Key}
		if s.Units[id], err = d.unit(&f.Units[i]); err != nil {
			return nil, fmt.Errorf("unit %s: %w", id, err)
		}
	}
	for i := range f.Objects {
		o, err := d.fileObject(&f.Objects[i])
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
		if o.Object != nil {
			s.Objects = append(s.Objects, o)
		}
	}
	return s, nil
}

// open checks the first line and returns the rest.
func open(b []byte) ([]byte, error) {
	line, body, _ := bytes.Cut(b, []byte("\n"))
	fields := strings.Fields(string(line[:min(len(line), 200)]))
	switch {
	case len(fields) != 3 || fields[0] != magic:
		return nil, errors.New("it is not a state file")
	case fields[1] != version:
		return nil, fmt.Errorf("it is of version %s, this is version %s", fields[1], version)
	case fields[2] != sum(body):
		return nil, errors.New("its checksum is wrong: it was cut off or changed")
	}
	return body, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func encodeUnit(id recompute.ID, p recompute.Published) (u fileUnit, err error) {
	u = fileUnit{Kind: id.Kind, Key: id.Key}
	if u.Resources, err = encodeResources(p.Resources); err != nil {
		return u, err
	}
	if u.Withheld, err = encodeResources(p.Withheld); err != nil {
		return u, err
	}
	for _, t := range p.Tallies {
		u.Tallies = append(u.Tallies, [3]string{t.Index, t.Key, t.Member})
	}
	for _, r := range p.Reads {
		u.Reads = append(u.Reads, [2]string{r.Kind, r.Key})
	}
	if p.Good != nil {
		u.Good, err = json.Marshal(p.Good)
	}
	return u, err
}

func encodeResources(all []*lbv1.Resource) (out [][]byte, err error) {
	for _, r := range all {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func encodeObject(o *Object) (f fileObject, err error) {
	f = fileObject{Cluster: o.Cluster, Origin: o.Origin, SeenAt: o.SeenAt.UTC()}
	if f.Object, err = json.Marshal(o.Object); err != nil || o.Written == nil {
		return f, err
	}
	f.Written = &fileWritten{
		Annotations: o.Written.Annotations, Finalizers: o.Written.Finalizers, Conditions: o.Written.Conditions,
	}
	if o.Written.Status != nil {
		f.Written.Status, err = json.Marshal(o.Written.Status)
	}
	return f, err
}

type decoder struct {
	newObject func(apiVersion, kind string) (store.Object, bool)
}

func (d decoder) unit(u *fileUnit) (p recompute.Published, err error) {
	if p.Resources, err = decodeResources(u.Resources); err != nil {
		return p, err
	}
	if p.Withheld, err = decodeResources(u.Withheld); err != nil {
		return p, err
	}
	for _, t := range u.Tallies {
		p.Tallies = append(p.Tallies, recompute.Tally{Index: t[0], Key: t[1], Member: t[2]})
	}
	for _, r := range u.Reads {
		p.Reads = append(p.Reads, recompute.ID{Kind: r[0], Key: r[1]})
	}
	if len(u.Good) > 0 {
		p.Good, err = d.object(u.Good)
	}
	return p, err
}

func decodeResources(all [][]byte) (out []*lbv1.Resource, err error) {
	for _, b := range all {
		r := &lbv1.Resource{}
		if err := proto.Unmarshal(b, r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (d decoder) fileObject(f *fileObject) (o Object, err error) {
	o = Object{Cluster: f.Cluster, Origin: f.Origin, SeenAt: f.SeenAt}
	if o.Object, err = d.object(f.Object); err != nil || o.Object == nil || f.Written == nil {
		return o, err
	}
	o.Written = &store.Written{
		Annotations: f.Written.Annotations, Finalizers: f.Written.Finalizers, Conditions: f.Written.Conditions,
	}
	if len(f.Written.Status) > 0 {
		o.Written.Status, err = status(o.Object, f.Written.Status)
	}
	return o, err
}

// object returns nil for a kind that is not known.
func (d decoder) object(b []byte) (store.Object, error) {
	var meta metav1.TypeMeta
	if err := json.Unmarshal(b, &meta); err != nil {
		return nil, err
	}
	o, ok := d.newObject(meta.APIVersion, meta.Kind)
	if !ok {
		return nil, nil
	}
	return o, json.Unmarshal(b, o)
}

// status reads a status as the pointer to the type that the object's field Status has.
func status(o store.Object, b []byte) (any, error) {
	field := reflect.ValueOf(o).Elem().FieldByName("Status")
	if !field.IsValid() {
		return nil, errors.New("a status of a kind that has none")
	}
	s := reflect.New(field.Type()).Interface()
	return s, json.Unmarshal(b, s)
}
