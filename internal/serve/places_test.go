package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestABrokenGeoDatabaseIsTold where the user looks: a line, and the Configuration's condition; both mend when the file is there.
func TestABrokenGeoDatabaseIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "places.mmdb")
	configuration := func(settings string) string {
		return "apiVersion: spillway.dev/v1alpha1\nkind: Configuration\nmetadata: {name: default}\nspec: {frontends: [{geoDatabase: " + file + settings + "}]}\n"
	}
	r := start(t, map[string]string{
		"app.yaml": strings.ReplaceAll(app, "NAME", "places"), "spillway.yaml": configuration(""),
	}, time.Second)
	told := "Accepted=False GeoDatabaseUnreadable: spec.frontends[0].geoDatabase: " + file + " cannot be read: "
	eventually(t, "the file is missed", func() bool { return strings.Contains(r.out.String(), told) })
	if err := os.WriteFile(file, emptyDatabase(), 0o600); err != nil {
		t.Fatal(err)
	}
	// An edit makes proxies look at once; else they do within some time.
	r.write(t, "spillway.yaml", configuration(", trustedHops: 1"))
	eventually(t, "the file is read", func() bool { return strings.Contains(r.out.String(), "in order again: Configuration default") })
	if n := strings.Count(r.out.String(), told); n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// emptyDatabase is a MaxMind database that knows no place.
func emptyDatabase() []byte {
	text := func(s string) string { return string(rune(0x40|len(s))) + s }
	var b strings.Builder
	b.WriteString("\x00\x00\x01\x00\x00\x01" + strings.Repeat("\x00", 16) + "\xab\xcd\xefMaxMind.com\xe9")
	for _, pair := range [][2]string{
		{"binary_format_major_version", "\xa1\x02"},
		{"binary_format_minor_version", "\xa0"},
		{"build_epoch", "\x01\x02\x01"},
		{"database_type", text("Test")},
		{"description", "\xe0"},
		{"ip_version", "\xa1\x04"},
		{"languages", "\x00\x04"},
		{"node_count", "\xc1\x01"},
		{"record_size", "\xa1\x18"},
	} {
		b.WriteString(text(pair[0]) + pair[1])
	}
	return []byte(b.String())
}

// TestPlacesFollow what proxies say, without a commit where that is what is known.
func TestPlacesFollow(t *testing.T) {
	said := map[string]string{}
	p := places{store: store.New(), problems: func() map[string]string { return said }}
	sub := p.store.Subscribe()
	for _, step := range []struct {
		name    string
		say     map[string]string
		commits bool
	}{
		{"nothing", nil, false},
		{"two", map[string]string{"a": "missing", "b": "missing"}, true},
		{"the same", map[string]string{"a": "missing", "b": "missing"}, false},
		{"another reason", map[string]string{"a": "broken", "b": "missing"}, true},
		{"another file", map[string]string{"c": "broken", "b": "missing"}, true},
		{"one", map[string]string{"b": "missing"}, true},
		{"none", nil, true},
	} {
		said = step.say
		p.refresh()
		snapshot, touched := sub.Take()
		if (len(touched) > 0) != step.commits || len(snapshot.Facts(fact.KindGeoDatabase)) != len(said) {
			t.Errorf("%s: touched %v, facts %v", step.name, touched, snapshot.Facts(fact.KindGeoDatabase))
		}
		for file, why := range said {
			if got := snapshot.Fact(fact.GeoDatabase(file)); got != why {
				t.Errorf("%s: %s is %v", step.name, file, got)
			}
		}
	}
}
