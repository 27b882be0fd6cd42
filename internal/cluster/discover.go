package cluster

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/spillway-lb/spillway/internal/kind"
)

// discovery asks a server which kinds it has. served are their versions; unsure are those of groups that it cannot tell of now.
func discover(ctx context.Context, client *discovery.DiscoveryClient, kinds []kind.Kind) (served map[string]string, unsure []string, err error) {
	groups, resources, failed, err := client.GroupsAndMaybeResourcesWithContext(ctx)
	if err != nil {
		return nil, nil, err
	}
	if resources == nil {
		resources = map[schema.GroupVersion]*metav1.APIResourceList{}
		failed, err = legacyResources(ctx, client, groups, kinds, resources)
		if err != nil {
			return nil, nil, err
		}
	}
	serves := func(r schema.GroupVersionResource) bool {
		list := resources[r.GroupVersion()]
		return list != nil && slices.ContainsFunc(list.APIResources, func(a metav1.APIResource) bool { return a.Name == r.Resource })
	}
	served = map[string]string{}
	for i := range kinds {
		k := &kinds[i]
		if version := servedVersion(k, serves); version != "" {
			served[k.Ref()] = version
			continue
		}
		for gv := range failed {
			if gv.Group == k.Group {
				unsure = append(unsure, k.Ref())
			}
		}
	}
	return served, unsure, nil
}

// legacyResources asks a server that does not aggregate its discovery for each of our groups and versions.
func legacyResources(ctx context.Context, client *discovery.DiscoveryClient, groups *metav1.APIGroupList, kinds []kind.Kind, into map[schema.GroupVersion]*metav1.APIResourceList) (map[schema.GroupVersion]error, error) {
	failed := map[schema.GroupVersion]error{}
	for _, group := range groups.Groups {
		for _, v := range group.Versions {
			gv := schema.GroupVersion{Group: group.Name, Version: v.Version}
			if !slices.ContainsFunc(kinds, func(k kind.Kind) bool { return k.Group == gv.Group && slices.Contains(versions(&k), gv.Version) }) {
				continue
			}
			list, err := client.ServerResourcesForGroupVersionWithContext(ctx, gv.String())
			switch {
			case apierrors.IsNotFound(err):
			case err != nil && ctx.Err() != nil:
				return nil, err
			case err != nil:
				failed[gv] = err
			default:
				into[gv] = list
			}
		}
	}
	return failed, nil
}

// absent asks the server itself for a kind: only that it is not found counts as that it does not have it, or that it would not be
// shown anyway.
func absent(ctx context.Context, client *discovery.DiscoveryClient, k *kind.Kind) bool {
	for _, version := range versions(k) {
		path := "/apis/" + k.Group + "/" + version + "/" + k.Plural
		if k.Group == "" {
			path = "/api/" + version + "/" + k.Plural
		}
		err := client.RESTClient().Get().AbsPath(path).Param("limit", "1").Do(ctx).Error()
		if !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
			return false
		}
	}
	return true
}
