package main

import "testing"

// TestTheNumberOfAProject follows from its ID where none is given, has twelve digits, and is never 0.
func TestTheNumberOfAProject(t *testing.T) {
	number := func(flag string) int64 {
		t.Helper()
		p, err := projectOf(flag)
		if err != nil {
			t.Fatal(err)
		}
		return p.Number
	}
	if got := number("mine:42"); got != 42 {
		t.Errorf("a number that is given became %d", got)
	}
	seen := map[int64]string{}
	for _, id := range []string{"", "mine", "yours", "my-project"} {
		n := number(id)
		if n != number(id) || n < 100_000_000_000 || n > 999_999_999_999 {
			t.Errorf("%q: %d, then %d", id, n, number(id))
		}
		if other, twice := seen[n]; twice {
			t.Errorf("%q and %q have the same number", id, other)
		}
		seen[n] = id
	}
	if _, err := projectOf("mine:x"); err == nil {
		t.Error("a number of letters was taken")
	}
}
