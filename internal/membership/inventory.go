package membership

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/spillway-lb/spillway/internal/cluster"
)

const (
	// LabelCluster marks a Secret as a way to a cluster, which is called as its value says, or as the Secret if that is empty.
	LabelCluster = "spillway.dev/cluster"
	// KubeconfigKey is the key of such a Secret whose value is a kubeconfig.
	KubeconfigKey = "kubeconfig"
	// listTimeout bounds one look at the inventory.
	listTimeout = 10 * time.Second
)

var clusterProfiles = schema.GroupVersionResource{Group: "multicluster.x-k8s.io", Version: "v1alpha1", Resource: "clusterprofiles"}

// Provider is a way to get credentials for the clusters of ClusterProfiles: a program, by client-go's protocol for those.
type Provider struct {
	// Name is that of the access provider in a ClusterProfile's status.
	Name       string          `json:"name"`
	ExecConfig json.RawMessage `json:"execConfig"`
}

// LoadProviders reads a file as the Cluster Inventory API's controllers do: {"providers": [{"name": ..., "execConfig": {...}}]}.
func LoadProviders(path string) ([]Provider, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Providers []Provider `json:"providers"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Providers) == 0 {
		return nil, fmt.Errorf("%s: no providers in it", path)
	}
	return file.Providers, nil
}

// Inventory is the members that objects of the config cluster name. One that cannot be read is told and changes nothing of the others; while the
// object is there, its cluster stays as it was. It is not safe for concurrent use.
type Inventory struct {
	// Namespace is where the objects are.
	Namespace string
	// Secrets with the label LabelCluster count.
	Secrets bool
	// Providers are for ClusterProfiles; those count if there are any.
	Providers []Provider

	good map[string]cluster.Member // by origin
	told map[string]string         // by origin, why it cannot be read
}

// found is what an object says; config is nil if that cannot be used.
type found struct {
	origin, name string
	config       *clientcmdapi.Config
	err          error
}

// members adds those of the inventory to others.
func (n *Inventory) members(config cluster.Member, all []cluster.Member, say Say) ([]cluster.Member, error) {
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	var objects []found
	for _, list := range []func(context.Context, cluster.Member) ([]found, error){n.secrets, n.profiles} {
		of, err := list(ctx, config)
		if err != nil {
			return nil, err
		}
		objects = append(objects, of...)
	}
	// Who has a name keeps it.
	slices.SortFunc(objects, func(a, b found) int {
		return cmp.Or(cmp.Compare(n.rank(a), n.rank(b)), cmp.Compare(a.origin, b.origin))
	})
	names := map[string]string{}
	for _, m := range all {
		names[m.Name] = m.Origin
	}
	good, told := map[string]cluster.Member{}, map[string]string{}
	for _, f := range objects {
		m, err := n.member(f, names)
		if err != nil {
			if told[f.origin] = err.Error(); n.told[f.origin] != told[f.origin] {
				say("%s is no cluster, or stays as it was: %v", f.origin, err)
			}
		}
		if m.Name != "" {
			good[f.origin], names[m.Name] = m, f.origin
		}
	}
	n.good, n.told = good, told
	for _, origin := range slices.Sorted(maps.Keys(good)) {
		all = append(all, good[origin])
	}
	return all, nil
}

// rank is 0 for an object that stands for a cluster of its name already.
func (n *Inventory) rank(f found) int {
	if m, there := n.good[f.origin]; there && m.Name == f.name {
		return 0
	}
	return 1
}

// member is what an object stands for: with an error, as it was before, if it was.
func (n *Inventory) member(f found, names map[string]string) (m cluster.Member, err error) {
	if err = f.err; err == nil {
		m, err = member(f.config, f.config.CurrentContext, f.name, f.origin)
	}
	if err != nil {
		m = n.good[f.origin]
	}
	if other, twice := names[m.Name]; twice && m.Name != "" {
		return cluster.Member{}, fmt.Errorf("a cluster is called %s already: %s", m.Name, other)
	}
	return m, err
}

// secrets are kubeconfigs.
func (n *Inventory) secrets(ctx context.Context, config cluster.Member) (out []found, err error) {
	if !n.Secrets {
		return nil, nil
	}
	client, err := corev1client.NewForConfig(config.REST)
	if err != nil {
		return nil, err
	}
	list, err := client.Secrets(n.Namespace).List(ctx, metav1.ListOptions{LabelSelector: LabelCluster})
	if err != nil {
		return nil, fmt.Errorf("the Secrets of namespace %s of cluster %s: %w", n.Namespace, config.Name, err)
	}
	for i := range list.Items {
		out = append(out, secret(&list.Items[i]))
	}
	return out, nil
}

func secret(s *corev1.Secret) found {
	f := found{origin: "Secret " + s.Namespace + "/" + s.Name, name: s.Labels[LabelCluster]}
	if f.name == "" {
		f.name = s.Name
	}
	text, there := s.Data[KubeconfigKey]
	if !there {
		f.err = fmt.Errorf("there is no key %s", KubeconfigKey)
		return f
	}
	if f.config, f.err = clientcmd.Load(text); f.err == nil {
		f.err = portable(f.config, false)
	}
	return f
}

// portable refuses what is of the machine: whoever may write an object is not to have this process run programs or read files.
func portable(config *clientcmdapi.Config, programs bool) error {
	of := config.Contexts[config.CurrentContext]
	if of == nil {
		return nil // which is an error of its own
	}
	if c := config.Clusters[of.Cluster]; c != nil && c.CertificateAuthority != "" {
		return errors.New("certificate-authority names a file: certificate-authority-data is needed")
	}
	u := config.AuthInfos[of.AuthInfo]
	switch {
	case u == nil:
		return nil
	case u.ClientCertificate != "" || u.ClientKey != "":
		return errors.New("client-certificate and client-key name files: client-certificate-data and client-key-data are needed")
	case u.TokenFile != "":
		return errors.New("tokenFile names a file: token is needed")
	case u.AuthProvider != nil || u.Exec != nil && !programs:
		return errors.New("exec and auth-provider name programs: a token or a client certificate is needed")
	}
	return nil
}

// profiles are ClusterProfiles, whose status says where the API server is.
func (n *Inventory) profiles(ctx context.Context, config cluster.Member) (out []found, err error) {
	if len(n.Providers) == 0 {
		return nil, nil
	}
	client, err := dynamic.NewForConfig(config.REST)
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(clusterProfiles).Namespace(n.Namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil // a cluster without the CRD has none
	}
	if err != nil {
		return nil, fmt.Errorf("the ClusterProfiles of namespace %s of cluster %s: %w", n.Namespace, config.Name, err)
	}
	for _, item := range list.Items {
		f := found{origin: "ClusterProfile " + item.GetNamespace() + "/" + item.GetName(), name: item.GetName()}
		f.config, f.err = n.profile(item.Object)
		out = append(out, f)
	}
	return out, nil
}

// access is a way to a cluster, as a ClusterProfile's status has it. Its cluster is one of a kubeconfig.
type access struct {
	Name    string          `json:"name"`
	Cluster json.RawMessage `json:"cluster"`
}

// profile is a ClusterProfile as a kubeconfig: the first provider that it has access by counts.
func (n *Inventory) profile(object map[string]any) (*clientcmdapi.Config, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var p struct {
		Status struct {
			AccessProviders     []access `json:"accessProviders"`
			CredentialProviders []access `json:"credentialProviders"` // what they were called before
		} `json:"status"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	offers := append(p.Status.AccessProviders, p.Status.CredentialProviders...)
	var names []string
	for _, provider := range n.Providers {
		at := slices.IndexFunc(offers, func(a access) bool { return a.Name == provider.Name })
		if at >= 0 {
			return kubeconfigOf(offers[at].Cluster, provider.ExecConfig)
		}
		names = append(names, provider.Name)
	}
	return nil, fmt.Errorf("its status has no access provider of those known: %s", strings.Join(names, ", "))
}

func kubeconfigOf(server, program json.RawMessage) (*clientcmdapi.Config, error) {
	exec := map[string]any{}
	if err := json.Unmarshal(program, &exec); err != nil {
		return nil, fmt.Errorf("execConfig: %w", err)
	}
	exec["interactiveMode"] = clientcmdapi.NeverExecInteractiveMode // nobody is there
	const name = "it"
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []any{map[string]any{"name": name, "cluster": server}},
		"users":    []any{map[string]any{"name": name, "user": map[string]any{"exec": exec}}},
		"contexts": []any{map[string]any{"name": name, "context": map[string]any{"cluster": name, "user": name}}},
	})
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		return nil, err
	}
	return config, portable(config, true)
}
