package gateway

import (
	"slices"
	"testing"
	"time"
)

func TestPrecedenceComparesByteWise(t *testing.T) {
	old, young := time.Unix(1_000_000_000, 0), time.Unix(1_700_000_000, 0)
	// From the first to the last to be asked.
	order := []precedence{
		{path: rankExact, length: 2, created: young, route: "n/r"},
		{path: rankRegex, length: 9, created: young, route: "n/r"},
		{path: rankRegex, length: 3, detail: 4, created: young, route: "n/r"},
		{path: rankRegex, length: 3, created: young, route: "n/r"},
		{path: rankPrefix, length: 100, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, method: true, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, headers: 16, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, headers: 2, params: 3, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, headers: 2, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, params: 10, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, params: 9, created: young, route: "n/r"},
		{path: rankPrefix, length: 99, created: old, route: "z/z"},
		{path: rankPrefix, length: 99, created: young, route: "a-b/r"},
		{path: rankPrefix, length: 99, created: young, route: "a/r"},
		{path: rankPrefix, length: 99, created: young, route: "n/r", rule: 0, match: 0},
		{path: rankPrefix, length: 99, created: young, route: "n/r", rule: 0, match: 1},
		{path: rankPrefix, length: 99, created: young, route: "n/r", rule: 2},
		{path: rankPrefix, length: 99, created: young, route: "n/r", rule: 10},
		{path: rankPrefix, length: 99, created: young, route: "n/r-x"},
		{path: rankPrefix, length: 99, created: young, route: "n/r.x"},
		{path: rankPrefix, length: 99, created: young, route: "n/rx"},
	}
	var got []string
	for _, p := range order {
		got = append(got, p.String())
	}
	if !slices.IsSorted(got) {
		for i := 1; i < len(got); i++ {
			if got[i-1] >= got[i] {
				t.Errorf("%s is not before %s", got[i-1], got[i])
			}
		}
	}
}

func TestPrecedenceOfWhatDoesNotFit(t *testing.T) {
	long := precedence{path: rankPrefix, length: 200_000}
	longer := precedence{path: rankPrefix, length: 300_000}
	if long.String() != longer.String() {
		t.Error("lengths beyond the field differ")
	}
	if a, b := long.String(), (precedence{path: rankPrefix, length: 5}).String(); len(a) != len(b) {
		t.Errorf("%s and %s differ in length", a, b)
	}
}
