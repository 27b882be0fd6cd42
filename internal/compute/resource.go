package compute

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/googlejson"
)

// Resource is one member of a collection. What it shows is made when it is asked for.
type Resource struct {
	Name     string
	Location Location
	// Parent is the resource that it is a part of; "" for most.
	Parent string
	// Path is what the API calls it: projects/PROJECT/global/backendServices/NAME.
	Path    string
	Created time.Time
	// Source is what it shows.
	Source *lbv1.Resource

	show func(Resource) shown
	json *googlejson.Encoder
}

// shown is what a resource shows: a struct of the API, and under names of our own what that has no field for.
type shown struct {
	body any
	own  own
}

// own is what of a resource has no field in the API.
type own map[string]any

// set leaves out what is nothing.
func (o own) set(name string, value any, something bool) {
	if something {
		o[name] = value
	}
}

// ownMember is where a resource's JSON has what the API has no field for. Clients of Google's ignore it.
const ownMember = "spillway"

// Body is the struct of Google's client library.
func (r Resource) Body() any { return r.show(r).body }

// MarshalJSON is the API's JSON, with a member of our own at its end.
func (r Resource) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// AppendJSON appends what MarshalJSON returns.
func (r Resource) AppendJSON(b []byte) ([]byte, error) {
	s := r.show(r)
	b, err := r.json.Append(b, s.body)
	if err != nil || len(s.own) == 0 {
		return b, err
	}
	more, err := json.Marshal(map[string]any{ownMember: s.own})
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), more[1:]...), nil
}

// ID is a number that is the resource's own as long as it has its name, over restarts, too.
func (r Resource) ID() uint64 {
	sum := sha256.Sum256([]byte(r.Path))
	return binary.BigEndian.Uint64(sum[:]) >> 1 // some clients have signed numbers only
}

// selfLink is the URL of a resource of the Compute API.
func (r Resource) selfLink() string { return computeURL + r.Path }

// created is its age as the Compute API writes it.
func (r Resource) created() string { return timestamp(r.Created, "2006-01-02T15:04:05.000-07:00") }

// createTime is its age as the Network Services API writes it.
func (r Resource) createTime() string { return timestamp(r.Created, time.RFC3339Nano) }

func timestamp(at time.Time, layout string) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(layout)
}

// fingerprint changes whenever one of the messages does. It is the same in every process of one version.
func fingerprint(messages ...proto.Message) string {
	hash := sha256.New()
	for _, m := range messages {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			return "" // a message that cannot be sent has none
		}
		_, _ = hash.Write(b) // never fails
	}
	return base64.StdEncoding.EncodeToString(hash.Sum(nil)[:8])
}

// noLabels is the fingerprint that Google gives to no labels.
const noLabels = "42WmSpB8rSM="
