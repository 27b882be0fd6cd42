package cluster

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/spillway-lb/spillway/internal/kind"
	manifests "github.com/spillway-lb/spillway/internal/manifests/schema"
)

// Watched are the kinds that are watched in a member: those that are read, but the ones that others keep. Events and Endpoints are
// written only, ServiceAccounts and routes of other protocols read by nobody; what a Cluster would say is the member's own.
func Watched(configCluster bool) []kind.Kind {
	left := []string{kind.Event, kind.Endpoints, kind.ServiceAccount, kind.Cluster, kind.TCPRoute, kind.TLSRoute, kind.UDPRoute}
	if !configCluster {
		left = append(left, kind.Configuration)
	}
	return slices.DeleteFunc(kind.All(), func(k kind.Kind) bool { return slices.Contains(left, k.Ref()) })
}

// home is the cluster of the store in which objects of a kind lie: Configurations belong to no single one.
func home(cluster, ref string) string {
	if ref == kind.Configuration {
		return ""
	}
	return cluster
}

// fieldSelector leaves out objects that nobody reads, and which may be large or dangerous to hold.
func fieldSelector(ref string) string {
	if ref == kind.Secret {
		return "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,type!=bootstrap.kubernetes.io/token," +
			"type!=kubernetes.io/dockerconfigjson,type!=kubernetes.io/dockercfg"
	}
	return ""
}

// codecs decode the kinds, in every version that they are read in, as they are: the scheme has nothing to convert them to.
func codecs() runtime.NegotiatedSerializer {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	for _, k := range Watched(true) {
		for _, version := range versions(&k) {
			gv := schema.GroupVersion{Group: k.Group, Version: version}
			if o, ok := manifests.New(gv.String(), k.Name); ok {
				scheme.AddKnownTypeWithName(gv.WithKind(k.Name), o)
				metav1.AddToGroupVersion(scheme, gv)
			}
		}
	}
	return serializer.NewCodecFactory(scheme).WithoutConversion()
}

// versions are those that a kind is read in, the preferred one first.
func versions(k *kind.Kind) []string { return append([]string{k.Version}, k.Older...) }

// servedVersion is the version in which a server that serves some has a kind; "" if it has none.
func servedVersion(k *kind.Kind, serves func(schema.GroupVersionResource) bool) string {
	for _, version := range versions(k) {
		if serves(schema.GroupVersionResource{Group: k.Group, Version: version, Resource: k.Plural}) {
			return version
		}
	}
	return ""
}
