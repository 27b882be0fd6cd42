package supervise

import (
	"fmt"
	"path/filepath"

	"github.com/spillway-lb/spillway/internal/lab/plan"
)

// files are the paths of a cluster's servers.
type files struct{ dir string }

func (f files) etcd() string        { return filepath.Join(f.dir, "etcd") }
func (f files) certificate() string { return filepath.Join(f.dir, "apiserver.crt") }
func (f files) key() string         { return filepath.Join(f.dir, "apiserver.key") }
func (f files) signing() string     { return filepath.Join(f.dir, "service-account.key") }
func (f files) tokens() string      { return filepath.Join(f.dir, "tokens.csv") }
func (f files) kubeconfig() string  { return filepath.Join(f.dir, "kubeconfig") }
func (f files) authority() string   { return filepath.Join(f.dir, "ca.crt") }

// etcdArguments run one member; what a crash of the machine loses does not matter.
func etcdArguments(c plan.Cluster, f files) []string {
	client, peer := "http://"+c.Etcd().String(), "http://"+c.Peer().String()
	return []string{
		"--name=" + c.Name, "--data-dir=" + f.etcd(), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=" + c.Name + "=" + peer,
		"--quota-backend-bytes=2147483648", "--auto-compaction-mode=periodic", "--auto-compaction-retention=5m",
	}
}

func apiServerArguments(c plan.Cluster, f files) []string {
	at := c.APIServer()
	return []string{
		"--etcd-servers=http://" + c.Etcd().String(), "--bind-address=" + at.Addr().String(), "--advertise-address=" + at.Addr().String(),
		fmt.Sprintf("--secure-port=%d", at.Port()), "--tls-cert-file=" + f.certificate(), "--tls-private-key-file=" + f.key(),
		"--token-auth-file=" + f.tokens(), "--authorization-mode=RBAC", "--service-cluster-ip-range=" + c.Services().String(),
		"--service-account-key-file=" + f.signing(), "--service-account-signing-key-file=" + f.signing(),
		"--service-account-issuer=https://kubernetes.default.svc", "--kubelet-certificate-authority=" + f.authority(),
		"--kubelet-preferred-address-types=InternalIP",
		// Pods in a lab are no containers: nothing in them asks the API server by a mounted token.
		"--disable-admission-plugins=ServiceAccount",
		"--profiling=false", "--allow-privileged=true",
	}
}

func controllerManagerArguments(c plan.Cluster, f files) []string {
	at := c.ControllerManager()
	return []string{
		"--kubeconfig=" + f.kubeconfig(), "--authentication-kubeconfig=" + f.kubeconfig(), "--authorization-kubeconfig=" + f.kubeconfig(),
		"--leader-elect=false", "--bind-address=" + at.Addr().String(), "--cert-dir=" + f.dir,
		fmt.Sprintf("--secure-port=%d", at.Port()), "--service-account-private-key-file=" + f.signing(), "--root-ca-file=" + f.authority(),
		"--profiling=false",
	}
}

func schedulerArguments(c plan.Cluster, f files) []string {
	at := c.Scheduler()
	return []string{
		"--kubeconfig=" + f.kubeconfig(), "--authentication-kubeconfig=" + f.kubeconfig(), "--authorization-kubeconfig=" + f.kubeconfig(),
		"--leader-elect=false", "--bind-address=" + at.Addr().String(), "--cert-dir=" + f.dir,
		fmt.Sprintf("--secure-port=%d", at.Port()), "--profiling=false",
	}
}
