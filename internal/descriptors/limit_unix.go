//go:build unix

package descriptors

import "syscall"

// Limit is how many descriptors the process may have (RLIMIT_NOFILE); 0 where that is unknown.
func Limit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return uint64(l.Cur)
}
