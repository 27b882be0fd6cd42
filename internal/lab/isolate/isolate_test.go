//go:build linux

package isolate

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestARefusalSaysWhatToDo(t *testing.T) {
	err := restricted(syscall.EPERM)
	if !strings.Contains(err.Error(), "as root") || !strings.Contains(err.Error(), "namespaces of users allowed") {
		t.Errorf("%v", err)
	}
	if !errors.Is(err, syscall.EPERM) {
		t.Error("the reason is lost")
	}
	if other := errors.New("other"); restricted(other) != other {
		t.Error("another error is told as a refusal")
	}
}
