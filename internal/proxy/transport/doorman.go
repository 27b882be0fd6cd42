package transport

// Waker is told by a Doorman, in its goroutine, that there is something to do. It must not block.
type Waker interface{ Stir() }
