package main

import (
	"syscall"
	"testing"
)

func TestSecondSignal(t *testing.T) {
	statuses := make(chan int, 1)
	ctx, stop := untilSignal(t.Context(), func(status int) { statuses <- status }, syscall.SIGUSR1)
	defer stop()
	raise := func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	raise()
	<-ctx.Done()
	if len(statuses) != 0 {
		t.Error("the first signal ended the process")
	}
	raise()
	if got, want := <-statuses, 128+int(syscall.SIGUSR1); got != want {
		t.Errorf("status %d, want %d", got, want)
	}
}
