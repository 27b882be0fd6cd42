package conformance

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/apis/v1beta1"
	"sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/flags"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
)

var (
	binary = flag.String("binary", "../../bin/spillway", "the program that is tested")
	keep   = flag.String("output", "", "a file for what spillway printed")
	at     = flag.String("context", "", "a context of KUBECONFIG whose cluster has a controller already, which is tested then; nothing is started")
)

// class is the one that is tested unless -gateway-class says another.
const class = "gke-l7-regional-external-managed"

// Addresses that Gateways may ask for: this machine has the one, and will never have the other (RFC 5737).
const (
	usableAddress   = "127.77.0.7"
	unusableAddress = "192.0.2.77"
)

// TestConformance takes the suite's own flags, too: -run-test, -supported-features, -conformance-profiles, -report-output ...
func TestConformance(t *testing.T) {
	log.SetLogger(zap.New(zap.WriteTo(os.Stdout)))
	if *at != "" {
		conformance.RunConformanceWithOptions(t, options(t, clusterOf(t, *at), "lab"))
		return
	}
	program, err := filepath.Abs(*binary)
	require.NoError(t, err)
	s, err := serve(t.Context(), program, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("spillway: %v\n%s", err, s.output)
		}
		if *keep != "" {
			require.NoError(t, os.WriteFile(*keep, s.output.Bytes(), 0o600))
		}
	})
	api := httptest.NewServer(&front{files: files{s.dir}, socket: newSocket(s.socket)})
	t.Cleanup(api.Close)
	conformance.RunConformanceWithOptions(t, options(t, &rest.Config{Host: api.URL}, "serve"))
}

// clusterOf is how the cluster of a context is reached.
func clusterOf(t *testing.T, context string) *rest.Config {
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	require.NoError(t, err)
	return c
}

func options(t *testing.T, rest *rest.Config, mode string) suite.ConformanceOptions {
	kinds := scheme.Scheme
	for _, install := range []func(*runtime.Scheme) error{v1.Install, v1beta1.Install, apiextensionsv1.AddToScheme} {
		require.NoError(t, install(kinds))
	}
	rest.ContentType, rest.QPS, rest.Burst = "application/json", 1000, 1000
	clientOptions := client.Options{Scheme: kinds, Mapper: mapper()}
	c, err := client.New(rest, clientOptions)
	require.NoError(t, err)
	set, err := kubernetes.NewForConfig(rest)
	require.NoError(t, err)
	configurable := suite.ConfigurableOptions{
		CleanupBaseResources: true, CleanupTestResources: true, GatewayClassName: class, Mode: mode,
		ConformanceProfiles: []suite.ConformanceProfileName{suite.GatewayHTTPConformanceProfileName, suite.GatewayGRPCConformanceProfileName},
		TimeoutConfig:       config.DefaultTimeoutConfig(),
		Implementation: confv1.Implementation{
			Organization: "spillway", Project: "spillway", URL: "https://github.com/spillway-lb/spillway", Version: "devel",
			Contact: []string{"https://github.com/spillway-lb/spillway/issues"},
		},
		UsableNetworkAddresses:   []v1.GatewaySpecAddress{{Type: ptr.To(v1.IPAddressType), Value: usableAddress}},
		UnusableNetworkAddresses: []v1.GatewaySpecAddress{{Type: ptr.To(v1.IPAddressType), Value: unusableAddress}},
	}
	flags.ApplyAll(&configurable)
	return suite.ConformanceOptions{
		ConfigurableOptions: configurable, Client: c, ClientOptions: clientOptions, Clientset: set, RestConfig: rest,
	}
}

// mapper knows the paths of kinds, which clients otherwise ask an API server for.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	add := func(group, version, kind, plural string, scope meta.RESTScope) {
		gv := schema.GroupVersion{Group: group, Version: version}
		m.AddSpecific(gv.WithKind(kind), gv.WithResource(plural), gv.WithResource(plural), scope)
	}
	for _, r := range resources() {
		scope := meta.RESTScopeNamespace
		if r.plural == "namespaces" || r.plural == "nodes" || r.plural == "gatewayclasses" {
			scope = meta.RESTScopeRoot
		}
		add(r.group, r.version, r.kind, r.plural, scope)
	}
	add("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", meta.RESTScopeRoot)
	return m
}
