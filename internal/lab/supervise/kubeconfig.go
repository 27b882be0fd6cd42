package supervise

import (
	"fmt"
	"net/netip"
	"os"

	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/lab/plan"
)

// kubeconfig has a context for each cluster, named as the cluster is, with its API server where at says. The first one is the current one.
func kubeconfig(clusters []plan.Cluster, at func(plan.Cluster) netip.AddrPort, authority []byte, token string) ([]byte, error) {
	config := clientcmdv1.Config{APIVersion: "v1", Kind: "Config"}
	for _, c := range clusters {
		config.Clusters = append(config.Clusters, clientcmdv1.NamedCluster{Name: c.Name, Cluster: clientcmdv1.Cluster{
			Server: "https://" + at(c).String(), CertificateAuthorityData: authority,
		}})
		config.Contexts = append(config.Contexts, clientcmdv1.NamedContext{
			Name: c.Name, Context: clientcmdv1.Context{Cluster: c.Name, AuthInfo: "lab"},
		})
	}
	config.AuthInfos = []clientcmdv1.NamedAuthInfo{{Name: "lab", AuthInfo: clientcmdv1.AuthInfo{Token: token}}}
	if len(clusters) > 0 {
		config.CurrentContext = clusters[0].Name
	}
	return yaml.Marshal(config)
}

func writeKubeconfig(path string, clusters []plan.Cluster, at func(plan.Cluster) netip.AddrPort, authority []byte, token string) error {
	text, err := kubeconfig(clusters, at, authority, token)
	if err != nil {
		return fmt.Errorf("make a kubeconfig: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}
