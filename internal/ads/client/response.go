package client

import (
	"fmt"
	"strconv"
	"strings"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// response is one that is gathered from its parts.
type response struct {
	resources map[string]kept
	// unread are those that have no meaning here.
	unread map[string]config.Refusal
	// seq is the number that the controller gave it.
	seq   uint64
	nonce string
}

func newResponse() *response {
	return &response{resources: map[string]kept{}, unread: map[string]config.Refusal{}}
}

// add takes the next part, and says whether it was the last one. An error ends the stream: the peer speaks another protocol.
func (r *response) add(part *discoveryv3.DeltaDiscoveryResponse) (whole bool, err error) {
	version, more := strings.CutSuffix(part.GetSystemVersionInfo(), wire.More)
	if r.seq, err = strconv.ParseUint(version, 10, 64); err != nil {
		return false, fmt.Errorf("system_version_info %q is not a number", part.GetSystemVersionInfo())
	}
	for _, name := range part.GetRemovedResources() {
		if _, err := wire.KeyOf(name); err != nil {
			r.unread[name] = refusal(name, err)
			continue
		}
		r.resources[name] = kept{}
	}
	for _, in := range part.GetResources() {
		resource, err := read(in)
		if err != nil {
			r.unread[in.GetName()] = refusal(in.GetName(), err)
			continue
		}
		r.resources[in.GetName()] = kept{resource, in.GetVersion()}
	}
	r.nonce = part.GetNonce()
	return !more, nil
}

// read unpacks a resource, which has to be the one that it is called.
func read(in *discoveryv3.Resource) (*lbv1.Resource, error) {
	if url := in.GetResource().GetTypeUrl(); url != wire.TypeURL {
		return nil, fmt.Errorf("type_url %q is not %s", url, wire.TypeURL)
	}
	resource := &lbv1.Resource{}
	if err := proto.Unmarshal(in.GetResource().GetValue(), resource); err != nil {
		return nil, err
	}
	if resource.GetBody() == nil {
		return nil, fmt.Errorf("a kind of resource that this proxy does not know")
	}
	if name := wire.NameOf(lbv1.KeyOf(resource)); name != in.GetName() {
		return nil, fmt.Errorf("holds %s", name)
	}
	return resource, nil
}
