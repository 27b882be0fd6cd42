package wasm

// envFunctions are those of the ABI. All versions' are offered to every module.
var envFunctions = map[string]hostFunction{
	"proxy_log":                          {"iii>i", true, log},
	"proxy_get_log_level":                {"i>i", false, getLogLevel},
	"proxy_get_current_time_nanoseconds": {"i>i", false, getTime},
	"proxy_set_tick_period_milliseconds": {"i>i", false, fullOnly(setTickPeriod)},
	"proxy_get_configuration":            {"ii>i", false, getConfiguration},
	"proxy_get_status":                   {"iii>i", false, fullOnly(getStatus)},
	"proxy_get_property":                 {"iiii>i", false, getProperty},
	"proxy_set_property":                 {"iiii>i", false, fullOnly(setProperty)},
	"proxy_continue_request":             {">i", false, func(in *instance, _ arguments) uint32 { return in.continueStream(0) }},
	"proxy_continue_response":            {">i", false, func(in *instance, _ arguments) uint32 { return in.continueStream(1) }},
	"proxy_continue_stream":              {"i>i", false, func(in *instance, a arguments) uint32 { return in.continueStream(a.u32(0)) }},
	"proxy_close_stream":                 {"i>i", false, closeStream},
	"proxy_clear_route_cache":            {">i", false, func(*instance, arguments) uint32 { return uint32(ok) }},
	"proxy_send_local_response":          {"iiiiiiii>i", false, sendLocalResponse},
	"proxy_get_header_map_size":          {"ii>i", false, getMapSize},
	"proxy_get_header_map_pairs":         {"iii>i", false, getMapPairs},
	"proxy_set_header_map_pairs":         {"iii>i", false, setMapPairs},
	"proxy_get_header_map_value":         {"iiiii>i", false, getMapValue},
	"proxy_add_header_map_value":         {"iiiii>i", false, addMapValue},
	"proxy_replace_header_map_value":     {"iiiii>i", false, replaceMapValue},
	"proxy_remove_header_map_value":      {"iii>i", false, removeMapValue},
	"proxy_get_buffer_bytes":             {"iiiii>i", false, getBufferBytes},
	"proxy_get_buffer_status":            {"iii>i", false, getBufferStatus},
	"proxy_set_buffer_bytes":             {"iiiii>i", false, setBufferBytes},
	"proxy_http_call":                    {"iiiiiiiiii>i", false, fullOnly(httpCall)},
	"proxy_grpc_call":                    {"iiiiiiiiiiii>i", false, fullOnly(grpcCall)},
	"proxy_grpc_stream":                  {"iiiiiiiii>i", false, fullOnly(grpcStream)},
	"proxy_grpc_send":                    {"iiii>i", false, fullOnly(grpcSend)},
	"proxy_grpc_cancel":                  {"i>i", false, fullOnly(grpcCancel)},
	"proxy_grpc_close":                   {"i>i", false, fullOnly(grpcClose)},
	"proxy_set_shared_data":              {"iiiii>i", false, fullOnly(setSharedData)},
	"proxy_get_shared_data":              {"iiiii>i", false, fullOnly(getSharedData)},
	"proxy_register_shared_queue":        {"iii>i", false, fullOnly(registerQueue)},
	"proxy_resolve_shared_queue":         {"iiiii>i", false, fullOnly(resolveQueue)},
	"proxy_enqueue_shared_queue":         {"iii>i", false, fullOnly(enqueue)},
	"proxy_dequeue_shared_queue":         {"iii>i", false, fullOnly(dequeue)},
	"proxy_define_metric":                {"iiii>i", false, fullOnly(defineMetric)},
	"proxy_increment_metric":             {"il>i", false, fullOnly(incrementMetric)},
	"proxy_record_metric":                {"il>i", false, fullOnly(recordMetric)},
	"proxy_get_metric":                   {"ii>i", false, fullOnly(getMetric)},
	"proxy_call_foreign_function":        {"iiiiii>i", false, callForeign},
	"proxy_set_effective_context":        {"i>i", false, setEffectiveContext},
	"proxy_done":                         {">i", false, done},
	"pthread_equal":                      {"ii>i", true, pthreadEqual},
	"emscripten_notify_memory_growth":    {"i>", true, func(*instance, arguments) uint32 { return 0 }},
}

// fullOnly makes a function that the GCP profile has only so that modules link.
func fullOnly(f func(in *instance, a arguments) uint32) func(*instance, arguments) uint32 {
	return func(in *instance, a arguments) uint32 {
		if in.plugin.module.options.Profile != Full {
			return uint32(unimplemented)
		}
		return f(in, a)
	}
}

func log(in *instance, a arguments) uint32 {
	text, good := in.text(a.u32(1), a.u32(2))
	switch level := a.u32(0); {
	case level > uint32(Critical):
		return uint32(badArgument)
	case !good:
		return uint32(invalidMemoryAccess)
	default:
		in.log(Level(level), text)
		return uint32(ok)
	}
}

func getLogLevel(in *instance, a arguments) uint32 {
	return in.write32(a.u32(0), uint32(min(max(in.plugin.level.Load(), 0), int32(Critical))))
}

func (in *instance) write32(at, v uint32) uint32 {
	if !in.put32(at, v) {
		return uint32(invalidMemoryAccess)
	}
	return uint32(ok)
}

func getTime(in *instance, a arguments) uint32 {
	if !in.put64(a.u32(0), in.nanoseconds()) {
		return uint32(invalidMemoryAccess)
	}
	return uint32(ok)
}

// nanoseconds is the guest's time: in the GCP profile it stands still from the creation of a context.
func (in *instance) nanoseconds() uint64 {
	if in.plugin.module.options.Profile == GCP {
		return uint64(in.acting().created.UnixNano())
	}
	return uint64(in.plugin.config.Now().UnixNano())
}

// getConfiguration is ABI 0.1.0's: the VM's during its start, the plugin's otherwise.
func getConfiguration(in *instance, a arguments) uint32 {
	text := in.plugin.config.Configuration
	if in.callback == onVMStart && in.acting() == in.root {
		text = in.plugin.config.VMConfiguration
	}
	return uint32(in.give(text, a.u32(0), a.u32(1)))
}

func setEffectiveContext(in *instance, a arguments) uint32 {
	c := in.contexts[a.u32(0)]
	if c == nil {
		return uint32(badArgument)
	}
	in.effective = c
	return uint32(ok)
}

// done ends what proxy_on_done wanted to end later.
func done(in *instance, _ arguments) uint32 {
	c := in.acting()
	if !c.finishing {
		return uint32(notFound)
	}
	c.finishing = false
	in.later(func() { _ = in.remove(c) })
	return uint32(ok)
}

func pthreadEqual(_ *instance, a arguments) uint32 {
	if a.u32(0) == a.u32(1) {
		return 1
	}
	return 0
}
