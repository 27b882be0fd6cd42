package sample

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
)

// emoji are what pod_name_emoji is taken from.
var emoji = strings.Fields("⏭ 🍾 🧜🏾 💔 🐙 🦊 🌵 🍄 🌻 🍉 🥑 🥨 🧀 🍩 🍪 🫖 🎈 🎲 🎻 🎺 🚲 🚀 🛶 ⛵ 🚜 🏔 🏝 🌋 🔭 🧲 🧭 🪁 " +
	"🧩 🪴 🦉 🦋 🐝 🐞 🦀 🐬 🦜 🐢 🦔 🐿 🦥 🦩 🌈 ⚡ ❄ 🔥 🌊 🍋 🍒 🥝 🥕 🌽 🥐 🍣 🍭 ☕ 🎯 🎨 🎬 🔔 🔑 🧵 🧶 👒 🎩 💎 🔮 🪐")

// field is one line of the answer. The keys are sorted, but for zone, which the image's readers know as the second.
type field struct {
	key   string
	value string
}

// whereami is the sample that tells where the Pod that answers runs.
func whereami(pod Pod, c Container) (*Backend, error) {
	if err := c.noCommand("whereami"); err != nil {
		return nil, err
	}
	port, err := c.envPort("PORT", 8080)
	if err != nil {
		return nil, err
	}
	h := &whereamiHandler{container: c, echoHeaders: c.Env["ECHO_HEADERS"] == "True"}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(pod.Name))
	h.fields = []field{
		{"cluster_name", pod.Cluster},
		{"zone", pod.Zone},
		{"host_header", ""},
		{"metadata", c.Env["METADATA"]},
		{"node_name", pod.Node + ".c." + pod.Project + ".internal"},
		{"pod_ip", c.Env["POD_IP"]},
		{"pod_name", pod.Name},
		{"pod_name_emoji", emoji[sum.Sum32()%uint32(len(emoji))]},
		{"pod_namespace", c.Env["POD_NAMESPACE"]},
		{"pod_service_account", c.Env["POD_SERVICE_ACCOUNT"]},
		{"project_id", pod.Project},
		{"timestamp", ""},
	}
	return &Backend{Ports: []uint16{port}, Handler: h}, nil
}

type whereamiHandler struct {
	container   Container
	fields      []field
	echoHeaders bool
}

// ServeHTTP answers every path. If the last element of the path is a key, the answer is its value alone.
func (h *whereamiHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		text(w, "OK")
		return
	}
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	var b bytes.Buffer
	b.WriteString("{\n")
	for i := range h.fields {
		key, value := h.fields[i].key, h.fields[i].value
		switch key {
		case "host_header":
			value = r.Host
			h.writeHeaders(&b, r)
		case "timestamp":
			value = h.container.Now().UTC().Format("2006-01-02T15:04:05")
		}
		if value == "" && key != "host_header" {
			continue
		}
		if key == last {
			text(w, value)
			return
		}
		b.WriteString("  \"" + key + "\": ")
		b.Write(quote(value))
		if key != "timestamp" {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
}

// writeHeaders shows the request's headers where the environment asks for it.
func (h *whereamiHandler) writeHeaders(b *bytes.Buffer, r *http.Request) {
	if !h.echoHeaders {
		return
	}
	headers := map[string]string{"Host": r.Host}
	for name, values := range r.Header {
		headers[name] = strings.Join(values, ",")
	}
	indented, err := json.MarshalIndent(headers, "  ", "  ")
	if err != nil {
		return
	}
	b.WriteString("  \"headers\": ")
	b.Write(indented)
	b.WriteString(",\n")
}

// quote is a JSON string with its emoji and angle brackets as they are.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
