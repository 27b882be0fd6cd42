package sample

import (
	"testing"
	"time"
)

func TestScript(t *testing.T) {
	for _, tc := range []struct {
		command []string
		sleep   time.Duration
		exit    int
		refused bool
	}{
		{nil, 0, 0, false},
		{[]string{"sleep", "60"}, time.Minute, 0, false},
		{[]string{"/bin/sleep", "1.5"}, 1500 * time.Millisecond, 0, false},
		{[]string{"sleep", "2m"}, 2 * time.Minute, 0, false},
		{[]string{"sleep", "-1"}, 0, 0, true},
		{[]string{"sh", "-c", "sleep 5; echo done"}, 5 * time.Second, 0, false},
		{[]string{"/bin/sh", "-ec", "sleep 5 && sleep 5\nexit 3"}, 10 * time.Second, 3, false},
		{[]string{"sh", "-c", "false && sleep 5"}, 0, 1, false},
		{[]string{"sh", "-c", "exit 2; sleep 5"}, 0, 2, false},
		{[]string{"sh"}, 0, 0, false},
		{[]string{"sh", "-c", "until nslookup db; do sleep 1; done"}, 0, 0, true},
		{[]string{"sh", "-c", "echo x > /work/file"}, 0, 0, true},
		{[]string{"nginx", "-s", "quit"}, 0, 0, true},
	} {
		got, err := Script(tc.command)
		if (err != nil) != tc.refused || err == nil && (got.Sleep != tc.sleep || got.Exit != tc.exit) {
			t.Errorf("%q: %+v, %v", tc.command, got, err)
		}
	}
}
