package controlplane

import (
	"net/netip"
	"slices"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/location"
)

// probe is an endpoint and the health check that it is probed by.
type probe struct {
	check    string
	endpoint netip.AddrPort
}

// judges knows who says what is healthy in a region: of its data planes, in this process or another, the one that has been there for the
// longest. What the others say is kept, so that the next one's word counts as a whole when that one goes.
type judges map[string][]*judge // by region, in the order in which they came

type judge struct {
	name     string // location.Name
	verdicts map[probe]fact.Verdict
}

// ruling is what counts of an endpoint from now on; a nil verdict: nothing does.
type ruling struct {
	probe
	verdict any
}

func (j judges) open(name string) {
	region := location.Region(name)
	j[region] = append(j[region], &judge{name, map[probe]fact.Verdict{}})
}

// there tells whether a data plane is.
func (j judges) there(name string) bool {
	return slices.ContainsFunc(j[location.Region(name)], func(one *judge) bool { return one.name == name })
}

// close returns what changes with a data plane that goes.
func (j judges) close(name string) []ruling {
	region := location.Region(name)
	all := j[region]
	for i, gone := range all {
		if gone.name != name {
			continue
		}
		all = append(all[:i:i], all[i+1:]...)
		if j[region] = all; len(all) == 0 {
			delete(j, region)
			return difference(gone.verdicts, nil)
		}
		if i > 0 {
			return nil
		}
		return difference(gone.verdicts, all[0].verdicts)
	}
	return nil
}

// hear takes a verdict, and says whether it counts.
func (j judges) hear(name string, at probe, v fact.Verdict, gone bool) (counts bool) {
	for i, one := range j[location.Region(name)] {
		if one.name != name {
			continue
		}
		if gone {
			delete(one.verdicts, at)
		} else {
			one.verdicts[at] = v
		}
		return i == 0
	}
	return false
}

// difference is how verdicts come from those of one judge to those of another.
func difference(before, after map[probe]fact.Verdict) []ruling {
	var out []ruling
	for at := range before {
		if _, still := after[at]; !still {
			out = append(out, ruling{at, nil})
		}
	}
	for at, v := range after {
		if before[at] != v {
			out = append(out, ruling{at, v})
		}
	}
	return out
}
