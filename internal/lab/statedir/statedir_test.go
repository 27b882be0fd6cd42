package statedir

import (
	"os"
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	base := t.TempDir()
	d, err := Of(base, "a")
	if err != nil {
		t.Fatal(err)
	}
	claim, err := d.Claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("the name is taken: %v", err)
	}
	// What a crashed lab has left does not stand in the way, nor stay.
	if err := os.WriteFile(d.Kubeconfig(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := claim.Close(); err != nil {
		t.Fatal(err)
	}
	claim, err = d.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Close()
	if _, err := os.Stat(d.Kubeconfig()); err == nil {
		t.Error("a leftover stayed")
	}
	all, err := All(base)
	if err != nil || len(all) != 1 || all[0] != d {
		t.Errorf("all are %v, %v", all, err)
	}
}

func TestNames(t *testing.T) {
	if _, err := Of(t.TempDir(), "../x"); err == nil {
		t.Error("a name may lead outside")
	}
	if _, err := Of("/"+strings.Repeat("long/", 30), "a"); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("a path that no socket has: %v", err)
	}
	if all, err := All(t.TempDir() + "/not"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}
