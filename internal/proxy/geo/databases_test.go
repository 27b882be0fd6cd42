package geo

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func record1(city string) pairs {
	return pairs{
		{"country", pairs{{"iso_code", "US"}}},
		{"subdivisions", []any{pairs{{"iso_code", "CA"}}}},
		{"city", pairs{{"names", pairs{{"en", city}, {"de", "anders"}}}}},
		{"location", pairs{{"latitude", 37.386051}, {"longitude", -122.083851}}},
	}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.mmdb")
	write(t, file, newWritten().
		put("203.0.113.0/24", record1("Mountain View")).
		put("198.51.100.0/24", pairs{{"country", pairs{{"iso_code", "FR"}}}}).
		put("192.0.2.0/24", pairs{{"city", pairs{{"names", pairs{{"en", "São Paulo\r\nx: y 北京"}}}}}}).
		put("2001:db8::/32", record1("Six")).bytes())
	d := &Databases{}
	d.Use([]string{file, ""})
	for at, want := range map[string]Place{
		"203.0.113.9":        {"US", "USCA", "Mountain View", "37.386051,-122.083851"},
		"::ffff:203.0.113.9": {"US", "USCA", "Mountain View", "37.386051,-122.083851"},
		"198.51.100.1":       {Region: "FR"},
		"192.0.2.1":          {City: "Sao Paulox: y "},
		"2001:db8::1":        {"US", "USCA", "Six", "37.386051,-122.083851"},
		"127.0.0.1":          {},
	} {
		if got := d.Find(file, netip.MustParseAddr(at)); got != want {
			t.Errorf("%s is at %+v, want %+v", at, got, want)
		}
	}
	if got := d.Find("other", netip.MustParseAddr("203.0.113.9")); got != (Place{}) {
		t.Errorf("a file that is not in use says %+v", got)
	}
}

// TestRefresh: a new version of a file is read, a broken one leaves the former in force and is told of once.
func TestRefresh(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.mmdb")
	var log bytes.Buffer
	d := &Databases{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	at := netip.MustParseAddr("203.0.113.9")
	city := func() string { return d.Find(file, at).City }
	d.Use([]string{file})
	d.Refresh()
	if city() != "" || strings.Count(log.String(), "geo database cannot be read") != 1 {
		t.Fatalf("without a file: %q, %s", city(), &log)
	}
	if got := d.Problems()[file]; !strings.Contains(got, "no such file") || !strings.HasSuffix(got, "(no place is known)") {
		t.Errorf("without a file the problem is %q", got)
	}
	write(t, file, newWritten().put("203.0.113.0/24", record1("A")).bytes())
	if d.Refresh(); len(d.Problems()) > 0 {
		t.Errorf("with a file the problems are %v", d.Problems())
	}
	if city() != "A" {
		t.Fatalf("%q, %s", city(), &log)
	}
	write(t, file, newWritten().put("203.0.113.0/24", record1("Longer")).bytes())
	if d.Refresh(); city() != "Longer" {
		t.Fatalf("%q", city())
	}
	before := log.Len()
	write(t, file, []byte("no database"))
	if d.Refresh(); city() != "Longer" || log.Len() == before {
		t.Fatalf("%q, %s", city(), &log)
	}
	if got := d.Problems()[file]; !strings.HasSuffix(got, "(what it held before is used)") {
		t.Errorf("of a broken file the problem is %q", got)
	}
	write(t, file, newWritten().put("203.0.113.0/24", record1("Back")).bytes())
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	if d.Refresh(); city() != "Back" {
		t.Fatalf("%q", city())
	}
	if d.Use(nil); city() != "" {
		t.Fatalf("%q of a file that is not in use any more", city())
	}
}

// FuzzDatabase: no file ends the process.
func FuzzDatabase(f *testing.F) {
	f.Add(newWritten().put("203.0.113.0/24", record1("A")).bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(t.TempDir(), "a.mmdb")
		write(t, file, content)
		d := &Databases{}
		d.Use([]string{file})
		_ = d.Find(file, netip.MustParseAddr("203.0.113.9"))
	})
}

// TestWhatIsNoFileIsNotRead: reading it might never end.
func TestWhatIsNoFileIsNotRead(t *testing.T) {
	var d Databases
	d.Use([]string{os.DevNull, t.TempDir()})
	for file, db := range *d.byFile.Load() {
		if db.reader != nil || db.failed == "" {
			t.Errorf("%s is in use", file)
		}
	}
}
