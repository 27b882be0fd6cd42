package serve

import (
	"errors"
	"net/http"
	"slices"

	"k8s.io/client-go/rest"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	membercluster "github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/membership"
	"github.com/spillway-lb/spillway/internal/persist"
)

// membersAtStart are the members, if they can be found. If the config cluster does not say which others there are, an earlier process' word
// counts, provided that it knew the config cluster: each that it had is away until it is found again.
func (o *clusterOrigin) membersAtStart(kept *persist.State) ([]membercluster.Member, error) {
	members, err := o.config.Members(o.report.say)
	var unlisted *membership.UnlistedError
	if !errors.As(err, &unlisted) {
		return members, err
	}
	before := clustersOf(kept)
	if !slices.ContainsFunc(before, func(c *spillwayv1alpha1.Cluster) bool { return c.Name == configCluster(unlisted.Members) }) {
		return nil, err
	}
	o.complain(err)
	return append(unlisted.Members, standIns(before, unlisted)...), nil
}

// clustersOf are the clusters that are kept.
func clustersOf(kept *persist.State) (all []*spillwayv1alpha1.Cluster) {
	for _, o := range kept.Objects {
		if c, ok := o.Object.(*spillwayv1alpha1.Cluster); ok {
			all = append(all, c)
		}
	}
	return all
}

// standIns are members for the clusters that are not among those that could be found.
func standIns(before []*spillwayv1alpha1.Cluster, u *membership.UnlistedError) (all []membercluster.Member) {
	for _, c := range before {
		if slices.ContainsFunc(u.Members, func(m membercluster.Member) bool { return m.Name == c.Name }) {
			continue
		}
		all = append(all, membercluster.Member{
			Name: c.Name, REST: &rest.Config{Host: "http://" + unknownHost, Transport: unreached{}}, Version: unknownHost,
			Origin: "what was kept, until the config cluster says more", Region: c.Spec.Region, Zones: c.Spec.Zones,
		})
	}
	return all
}

// unknownHost is where a stand-in is: nowhere.
const unknownHost = "unknown.invalid"

// errUnreached is what a stand-in says.
var errUnreached = errors.New("the config cluster has not said yet how this cluster is reached")

// unreached is the way to where there is none.
type unreached struct{}

func (unreached) RoundTrip(*http.Request) (*http.Response, error) { return nil, errUnreached }
