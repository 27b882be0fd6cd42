package config

import (
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

// validations are the client validations of a target proxy's server names; nil if all of them are the same, as they are for a Gateway.
type validations = proxytls.Hosts[*lbv1.ClientValidation]

func compileValidations(p *lbv1.TargetProxy) *validations {
	var table validations
	differ := false
	list := p.GetTls().GetServerNames()
	for _, n := range list {
		table.Add(n.GetHost(), n.GetClientValidation())
		differ = differ || !proto.Equal(n.GetClientValidation(), list[0].GetClientValidation())
	}
	if !differ {
		return nil
	}
	return &table
}

// Misdirected says whether a request belongs on another connection than the one that it came by (421): its host is another listener's
// than the server name's, or it asks other things of the client's certificate. A connection without a server name may carry requests for
// any host, but not past a validation that was not asked of it.
func (p *TargetProxy) Misdirected(serverName string, authority []byte) bool {
	if p.validations != nil && p.validatedOtherwise(serverName, authority) {
		return true
	}
	return p.DetectMisdirected && serverName != "" && p.Map.Misdirected(serverName, authority)
}

func (p *TargetProxy) validatedOtherwise(serverName string, authority []byte) bool {
	asked, ok := p.validations.Find(string(urlmap.HostOf(authority)))
	connected, _ := p.validations.Find(serverName)
	return ok && !proto.Equal(asked, connected)
}
