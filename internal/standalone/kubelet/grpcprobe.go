package kubelet

import (
	"context"
	"net/http"
	neturl "net/url"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/grpchealth"
)

// grpc asks the container by the gRPC health protocol, without TLS, as a kubelet does.
func (p prober) grpc(ctx context.Context, action *corev1.GRPCAction) error {
	transport := &http.Transport{DisableKeepAlives: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	service := ""
	if action.Service != nil {
		service = *action.Service
	}
	_, err := grpchealth.Check(ctx, transport, grpchealth.Question{
		URL: &neturl.URL{Scheme: "http", Host: p.backend.Dial(uint16(action.Port))}, Service: service, UserAgent: "kube-probe/1.34",
	})
	return err
}
