// Package memory makes the collector know what the process may use.
//
// In: the file system, where control groups (v2 and v1) say their limits. Out: a soft limit for the Go runtime, nine tenths
// of the tightest, unless GOMEMLIMIT says another: near it the collector works harder, instead of the kernel ending the
// process.
//
//	memory.Follow(os.DirFS("/"))
package memory

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// Follow sets the limit and returns it; 0 when there is none, or GOMEMLIMIT is set.
func Follow(root fs.FS) int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	limit := Limit(root)
	if limit == 0 {
		return 0
	}
	limit -= limit / 10
	debug.SetMemoryLimit(limit)
	return limit
}

// unlimited is above any machine's memory: version 1 writes no limit as a number near 2^63.
const unlimited = 1 << 50

// Limit is the tightest limit of the process's control groups, in bytes; 0 is none.
func Limit(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	tightest := int64(unlimited)
	for s := bufio.NewScanner(bytes.NewReader(groups)); s.Scan(); {
		// hierarchy:controllers:path
		parts := strings.SplitN(s.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// A container may see its own group as the root, whatever path it is told: the root is asked, too.
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			if n := read(root, path.Join(mount, group, file)); n > 0 {
				tightest = min(tightest, n)
			}
			if group == "/" {
				break
			}
		}
	}
	if tightest == unlimited {
		return 0
	}
	return tightest
}

// read is the number in a file; 0 when there is none.
func read(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0 // "max"
	}
	return n
}
