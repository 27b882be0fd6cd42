// Package membership finds the clusters of a fleet, and how each is reached.
//
// In: a kubeconfig with the contexts that count, a directory of kubeconfigs, or the cluster that the process runs in; and, by objects of the
// config cluster, Secrets with kubeconfigs and ClusterProfiles. Out: members for package
// cluster; their Version changes when the way to them does, so that whoever asks now and then sees clusters join and leave.
//
//	s := membership.Source{Kubeconfig: path, Contexts: []string{"gke-west-1", "gke-east-1"}, Config: "gke-west-1"}
//	members, err := s.Members(say)
package membership

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/place"
)

// InCluster is the name of the cluster that the process runs in, where nothing names it.
const InCluster = "in-cluster"

// Say tells operators.
type Say = func(format string, args ...any)

// Source says where members are found.
type Source struct {
	// Kubeconfig is a file; if it is empty, what kubectl would use, or the cluster that the process runs in. Contexts are those of
	// it that count, each a cluster of its own; the current one if empty.
	Kubeconfig string
	Contexts   []string
	// Dir is a directory in which each file is a kubeconfig whose current context counts; the cluster is called as the file is,
	// without its extension. It is looked at in addition to Contexts, or alone if there are none and no Kubeconfig.
	Dir string
	// Config is the name of the config cluster; the first member if empty.
	Config string
	// Places are those of clusters by name; the labels of their Nodes say it for others.
	Places map[string]place.Place
	// Inventory are members that objects of the config cluster name; nil: none are looked for. The config cluster itself is none of them.
	Inventory *Inventory
}

// Members lists them, in order: those of contexts as they are written, then those of the directory by name. On an error nobody is left out:
// there is no list. Objects of the inventory that cannot be used are told to operators.
func (s Source) Members(say Say) ([]cluster.Member, error) {
	var all []cluster.Member
	if s.Dir == "" || s.Kubeconfig != "" || len(s.Contexts) > 0 {
		of, err := s.contexts()
		if err != nil {
			return nil, err
		}
		all = of
	}
	of, err := s.directory()
	if err != nil {
		return nil, err
	}
	all = append(all, of...)
	if s.Inventory != nil {
		config := slices.IndexFunc(all, func(m cluster.Member) bool { return s.Config == "" || m.Name == s.Config })
		if config < 0 {
			return nil, fmt.Errorf("config cluster %q is not among the clusters of kubeconfigs, and cannot name others", s.Config)
		}
		more, err := s.Inventory.members(all[config], all, say)
		if err != nil {
			return nil, s.unlisted(all, err)
		}
		all = more
	}
	return s.placed(all)
}

// UnlistedError says that the config cluster does not tell which members there are beside those of kubeconfigs.
type UnlistedError struct {
	// Members are those of kubeconfigs, as Members would have them.
	Members []cluster.Member
	Err     error
}

func (e *UnlistedError) Error() string { return e.Err.Error() }

func (e *UnlistedError) Unwrap() error { return e.Err }

func (s Source) unlisted(known []cluster.Member, err error) error {
	placed, wrong := s.placed(known)
	if wrong != nil {
		return wrong
	}
	return &UnlistedError{placed, err}
}

// placed fills in what the kubeconfigs do not say.
func (s Source) placed(all []cluster.Member) ([]cluster.Member, error) {
	seen := map[string]string{}
	for i := range all {
		m := &all[i]
		if other, twice := seen[m.Name]; twice {
			return nil, fmt.Errorf("two clusters are called %s: %s, and %s", m.Name, other, m.Origin)
		}
		seen[m.Name] = m.Origin
		at := s.Places[m.Name]
		m.Region, m.Zones = at.Region, at.Zones
		m.ConfigCluster = m.Name == s.Config || s.Config == "" && i == 0
	}
	if _, there := seen[s.Config]; s.Config != "" && !there {
		return nil, fmt.Errorf("config cluster %s is not among the clusters", s.Config)
	}
	for name := range s.Places {
		if _, there := seen[name]; !there && s.Dir == "" && s.Inventory == nil {
			return nil, fmt.Errorf("a place is given for cluster %s, which is not among the clusters", name)
		}
	}
	return all, nil
}

// contexts are members of one kubeconfig.
func (s Source) contexts() ([]cluster.Member, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = s.Kubeconfig
	config, err := rules.Load()
	if err != nil {
		return nil, err
	}
	if len(config.Contexts) == 0 && s.Kubeconfig == "" && len(s.Contexts) == 0 {
		return inCluster()
	}
	origin := cmp.Or(s.Kubeconfig, os.Getenv(clientcmd.RecommendedConfigPathEnvVar), clientcmd.RecommendedHomeFile)
	names := s.Contexts
	if len(names) == 0 {
		names = []string{config.CurrentContext}
	}
	var all []cluster.Member
	for _, name := range names {
		m, err := member(config, name, name, "context "+name+" of "+origin)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// inCluster is the cluster that the process runs in.
func inCluster() ([]cluster.Member, error) {
	config, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		return nil, errors.New("no kubeconfig with a context, and this is no Pod: name a kubeconfig")
	}
	if err != nil {
		return nil, err
	}
	return []cluster.Member{{Name: InCluster, REST: config, Version: config.Host, Origin: "the cluster of this Pod"}}, nil
}

// directory are members of which each has a kubeconfig of its own.
func (s Source) directory() ([]cluster.Member, error) {
	if s.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, err
	}
	var all []cluster.Member
	for _, e := range entries {
		// Secrets are mounted with hidden names beside the links that count.
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(s.Dir, e.Name())
		config, err := clientcmd.LoadFromFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m, err := member(config, config.CurrentContext, strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// member is a context of a kubeconfig.
func member(config *clientcmdapi.Config, context, name, origin string) (cluster.Member, error) {
	if config.Contexts[context] == nil {
		known := slices.Sorted(maps.Keys(config.Contexts))
		return cluster.Member{}, fmt.Errorf("context %q does not exist; there are: %s", context, strings.Join(known, ", "))
	}
	reach, err := clientcmd.NewNonInteractiveClientConfig(*config, context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return cluster.Member{}, fmt.Errorf("context %q: %w", context, err)
	}
	version, err := versionOf(config, context)
	return cluster.Member{Name: name, REST: reach, Version: version, Origin: origin}, err
}

// versionOf changes with the cluster and the user of a context.
func versionOf(config *clientcmdapi.Config, context string) (string, error) {
	of := config.Contexts[context]
	text, err := json.Marshal([]any{config.Clusters[of.Cluster], config.AuthInfos[of.AuthInfo]})
	return digest.Hex(string(text), 16), err
}
