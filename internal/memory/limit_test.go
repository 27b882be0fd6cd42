package memory

import (
	"testing"
	"testing/fstest"
)

func TestLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"none":      {nil, 0},
		"unlimited": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		"v2, own namespace": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n",
		}, 536870912},
		"v2, the parent is tighter": {map[string]string{
			"proc/self/cgroup":                    "0::/pods/a\n",
			"sys/fs/cgroup/pods/a/memory.max":     "2000000\n",
			"sys/fs/cgroup/pods/memory.max":       "1000000\n",
			"sys/fs/cgroup/elsewhere/memory.max":  "1\n",
			"sys/fs/cgroup/pods/a/b/c/memory.max": "1\n",
		}, 1000000},
		"v2, the path is the host's": {map[string]string{
			"proc/self/cgroup": "0::/../../kubepods/x\n", "sys/fs/cgroup/memory.max": "3000000\n",
		}, 3000000},
		"v1": {map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/1\n",
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "4000000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":          "9223372036854771712\n",
		}, 4000000},
		"v1, unlimited": {map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"nonsense": {map[string]string{"proc/self/cgroup": "x\n0::\n", "sys/fs/cgroup/memory.max": "-7"}, 0},
	} {
		root := fstest.MapFS{}
		for file, text := range tt.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := Limit(root); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// TestGivenLimitsStay: who has set GOMEMLIMIT knows better.
func TestGivenLimitsStay(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	root := fstest.MapFS{
		"proc/self/cgroup":         {Data: []byte("0::/\n")},
		"sys/fs/cgroup/memory.max": {Data: []byte("536870912\n")},
	}
	if n := Follow(root); n != 0 {
		t.Errorf("followed to %d", n)
	}
}
