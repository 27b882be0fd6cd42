package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// files is the directory that spillway serves: each object that the suite makes is a file of its own.
type files struct{ dir string }

func (f files) path(t target) string {
	name := strings.ReplaceAll(t.ref()+"_"+t.namespace+"_"+t.name, "/", "_")
	return filepath.Join(f.dir, name+".yaml")
}

// write puts an object down in one step, as a careful user's tool does.
func (f files) write(t target, object map[string]any) error {
	b, err := json.MarshalIndent(object, "", "  ") // JSON is YAML
	if err != nil {
		return err
	}
	path := f.path(t)
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func (f files) read(t target) (map[string]any, error) {
	b, err := os.ReadFile(f.path(t))
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	return object, json.Unmarshal(b, &object)
}

func (f files) remove(t target) error { return os.Remove(f.path(t)) }
