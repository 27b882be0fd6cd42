// Package wat writes small WebAssembly modules, so that the sample plugins and the tests need no compiler.
//
// In: functions of one's own, made of the few instructions that are here. Out: the bytes of a module, the same for the same
// calls on every machine.
//
//	b := wat.New()
//	log := b.Import("env", "proxy_log", "iii>i")
//	b.Plugin()                                   // the ABI's marker and an allocator
//	b.Function("proxy_on_log", "i>", 0, wat.I32(2), b.Text("bye"), wat.Call(log), wat.Drop)
//	code := b.Module()
package wat
