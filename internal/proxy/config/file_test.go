package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestLoadFile(t *testing.T) {
	data, err := protojson.Marshal(&lbv1.Model{Seq: 7, Resources: store()})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := apply(t, New(west), Transaction(m))
	if r.Seq() != 7 || route(r, "store.example.com", "/west") != "west" {
		t.Errorf("seq %d", r.Seq())
	}
}

func TestLoadFileNamesThePlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown field": {"{\n  \"resources\": [{\n    \"name\": \"a\", \"urlMop\": {}}]}", "model.json:3:18: unknown field \"urlMop\""},
		"wrong type":    {"{\"seq\": true}", "model.json:1:9: invalid value for uint64 field seq: true"},
		"enum value": {
			"{\"resources\": [{\"name\":\"x\",\"backendService\":{\"protocol\":\"SPDY\"}}]}",
			"model.json:1:57: invalid value for enum field protocol: \"SPDY\"",
		},
		"not JSON": {"seq: 1", "model.json:1:1: invalid value seq"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := LoadFile(path)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "\u00a0", " "), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := LoadFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}
