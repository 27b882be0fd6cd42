package traffic

import "math"

const (
	// smoothing is the part of a new rate in the moving average of one step.
	smoothing = 0.3
	// hysteresis is the relative change below which nothing is published.
	hysteresis = 0.05
)

// Smoother turns measured rates into the demand that allocations are made from: a moving average, republished only when
// it has changed enough to matter. The zero value is ready. It is for one goroutine.
type Smoother struct {
	average, published map[Location]float64
}

// Update takes the rates of one step (a second); a location that is missing has none. It returns the demand to allocate,
// and whether it differs from the last one.
func (s *Smoother) Update(rates []Demand) (demand []Demand, changed bool) {
	if s.average == nil {
		s.average, s.published = map[Location]float64{}, map[Location]float64{}
	}
	now := map[Location]float64{}
	for _, d := range rates {
		now[d.Origin] += d.Rate
		if _, ok := s.average[d.Origin]; !ok {
			s.average[d.Origin] = d.Rate // the first rate is taken as it is
		}
	}
	for l, avg := range s.average {
		avg += smoothing * (now[l] - avg)
		s.average[l] = avg
		if before, ok := s.published[l]; !ok || math.Abs(avg-before) > hysteresis*max(avg, before) {
			s.published[l] = avg
			changed = true
		}
	}
	for _, d := range rates {
		if rate, ok := s.published[d.Origin]; ok {
			demand = append(demand, Demand{Origin: d.Origin, Rate: rate})
		}
	}
	return demand, changed
}
