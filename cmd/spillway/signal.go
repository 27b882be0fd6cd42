package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalStatus is added to a signal's number for the status of a process that it ended, as shells do.
const signalStatus = 128

// untilSignal returns a context that ends with the first of the signals. The second ends the process at once, also where
// the signal was ignored when the process began, as shells have it for what they run in the background. The function that
// is returned gives the signals back.
func untilSignal(ctx context.Context, exit func(status int), signals ...os.Signal) (context.Context, func()) {
	arrived := make(chan os.Signal, 2)
	signal.Notify(arrived, signals...)
	ctx, cancel := context.WithCancel(ctx)
	given := make(chan struct{})
	go func() {
		select {
		case <-arrived:
			cancel()
		case <-given:
			return
		}
		select {
		case second := <-arrived:
			number, _ := second.(syscall.Signal)
			exit(signalStatus + int(number))
		case <-given:
		}
	}()
	return ctx, func() {
		signal.Stop(arrived)
		close(given)
		cancel()
	}
}

// endings are the signals that end a server. A closed terminal ends it too, unless nohup says otherwise.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
