package message

import "testing"

func TestWhichAnswersHaveABody(t *testing.T) {
	for _, c := range []struct {
		head         bool
		status       int
		body, length bool
	}{
		{false, 100, false, false},
		{false, 101, false, false},
		{false, 199, false, false},
		{false, 200, true, true},
		{true, 200, false, true},
		{false, 204, false, false},
		{true, 204, false, false},
		{false, 205, true, true},
		{false, 304, false, true},
		{true, 304, false, true},
		{false, 599, true, true},
	} {
		if HasBody(c.head, c.status) != c.body || MayHaveLength(c.status) != c.length {
			t.Errorf("HEAD %v, status %d", c.head, c.status)
		}
	}
}
