// Package explain says what would become of a request: the listener that takes it, the extension chains that would run, and why,
// attribute by attribute, the host and the rule of the URL map that apply, and why those before it don't, the backend services,
// and what they would get.
//
// In: a model and a Request in curl's terms. Out: an Explanation, to be printed or encoded, or an error that says what listens
// where nothing listens for the request.
//
//	site, err := explain.New(model)
//	told, err := site.Explain(explain.Request{URL: "http://store.example.com/de"})
//	told.WriteText(os.Stdout)
//
// Nothing here matches by itself: the model is compiled as a proxy compiles it (internal/proxy/config), and the request goes
// through the phases of the proxy's own exchanges (exchange.Engine.Foresee). No extension runs and no backend is called, so what
// callouts and plugins would change is not in it.
package explain
