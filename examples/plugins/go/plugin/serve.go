package plugin

// start is what the plugin gave to Serve.
var start func(configuration []byte) (func() Stream, error)

// Serve says what the plugin is. It must be called in an init function.
func Serve(s func(configuration []byte) (func() Stream, error)) { start = s }
