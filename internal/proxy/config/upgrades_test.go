package config

import "testing"

func TestUpgrades(t *testing.T) {
	for _, bad := range []string{"h2c", "H2", "tls/1.2", "HTTP/1.1", "", "a b", "a/", "a,b", "/1"} {
		if checkUpgrades([]string{"websocket", bad}) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, c := range []struct {
		list  []string
		asked string
		want  bool
	}{
		{nil, "WebSocket", true},
		{nil, "foo", false},
		{[]string{"Foo/2"}, "foo/2", true},
		{[]string{"Foo/2"}, "foo", false},
		{[]string{"Foo/2"}, "websocket", false},
	} {
		if err := checkUpgrades(c.list); err != nil {
			t.Error(err)
		}
		p := &TargetProxy{upgrades: compileUpgrades(c.list)}
		if p.PassesOn([]byte(c.asked)) != c.want {
			t.Errorf("%v, %q", c.list, c.asked)
		}
	}
}
