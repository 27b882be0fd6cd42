package balance

import "math"

// overprovisioning turns a failover threshold in percent into Envoy's factor: at t percent of healthy endpoints a tier
// still takes all of its load. 0 is 70.
func overprovisioning(threshold uint32) float64 {
	if threshold == 0 {
		threshold = 70
	}
	return math.Round(10000/float64(threshold)) / 100
}

// availability is the share of its load that a set of endpoints keeps.
func availability(factor float64, healthy, total int) float64 {
	if total == 0 {
		return 0
	}
	return min(1, factor*float64(healthy)/float64(total))
}

// priorityLoads splits all load over tiers in order: each keeps what its availability allows, the next gets the rest.
// When even together they allow less than everything, they share it in proportion. All zero means that nothing is healthy.
func priorityLoads(available []float64) []float64 {
	sum := 0.0
	for _, a := range available {
		sum += a
	}
	loads := make([]float64, len(available))
	if sum == 0 {
		return loads
	}
	norm := min(1, sum)
	left := 1.0
	for i, a := range available {
		loads[i] = min(left, a/norm)
		left -= loads[i]
	}
	return loads
}

// tierGroup is one group in its tier.
type tierGroup struct {
	weight         float64
	healthy, total int
}

// tierAvailable is the availability of a whole tier.
func tierAvailable(factor float64, groups []tierGroup) float64 {
	healthy, total := 0, 0
	for _, g := range groups {
		healthy += g.healthy
		total += g.total
	}
	return availability(factor, healthy, total)
}

// groupShares splits a tier's load over its groups by weight and availability. The sum is 1, or 0 without healthy ones.
func groupShares(factor float64, groups []tierGroup) []float64 {
	shares := make([]float64, len(groups))
	sum := 0.0
	for i, g := range groups {
		shares[i] = g.weight * availability(factor, g.healthy, g.total)
		sum += shares[i]
	}
	for i := range shares {
		if sum > 0 {
			shares[i] /= sum
		}
	}
	return shares
}
