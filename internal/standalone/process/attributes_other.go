//go:build unix && !linux

package process

import "syscall"

// attributes put the command in a group of its own. This system has no way to tie its life to ours.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
