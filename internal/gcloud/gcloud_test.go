package gcloud_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/gcloud"
)

func resources() []map[string]any {
	backend := func(group string) any { return map[string]any{"group": "zones/z/" + group} }
	return []map[string]any{
		{
			"name": "web-blue", "size": 10, "zone": "zones/us-west1-a", "IPAddress": "127.0.0.1", "selfLink": "https://x/web-blue",
			"log": map[string]any{"enable": true, "rate": 0.5}, "backends": []any{backend("a"), backend("b")},
			"target": "https://www.googleapis.com/compute/v1/projects/p/regions/us-west1/targetHttpProxies/t", "made": "2026-11-27T20:15:00Z",
		},
		{"name": "web-green", "size": uint32(9), "zone": "zones/us-east1-b", "selfLink": "https://x/web-green", "rate": 1e8},
		{
			"name": "store", "size": json.Number("9"), "zone": "zones/us-east1-b", "selfLink": "https://x/store", "note": "a, b",
			"target": "https://www.googleapis.com/compute/v1/projects/p/global/targetHttpProxies/t",
		},
	}
}

func TestSelect(t *testing.T) {
	for _, test := range []struct {
		flags gcloud.Flags
		want  string
	}{
		{gcloud.Flags{}, "web-blue web-green store"},
		{gcloud.Flags{Filter: "name=store"}, "store"},
		{gcloud.Flags{Filter: "name = STORE"}, "store"},
		{gcloud.Flags{Filter: "name=web"}, ""},
		{gcloud.Flags{Filter: "name:web"}, "web-blue web-green"},
		{gcloud.Flags{Filter: "name:we"}, ""},
		{gcloud.Flags{Filter: "name:we*"}, "web-blue web-green"},
		{gcloud.Flags{Filter: "name=web*"}, "web-blue web-green"},
		{gcloud.Flags{Filter: "name:*een"}, "web-green"},
		{gcloud.Flags{Filter: "name:(store blue)"}, "web-blue store"},
		{gcloud.Flags{Filter: `name=("store", "web-blue")`}, "web-blue store"},
		{gcloud.Flags{Filter: "name~^web-(blue|red)$"}, "web-blue"},
		{gcloud.Flags{Filter: "name!~web"}, "store"},
		{gcloud.Flags{Filter: "name!=store"}, "web-blue web-green"},
		{gcloud.Flags{Filter: "NOT name:web"}, "store"},
		{gcloud.Flags{Filter: "-name:web"}, "store"},
		{gcloud.Flags{Filter: "name:web AND size<10"}, "web-green"},
		{gcloud.Flags{Filter: "name:web size>=10"}, "web-blue"},
		{gcloud.Flags{Filter: "(name=store OR name~blue) AND size=9"}, "store"},
		{gcloud.Flags{Filter: "backends.group:a"}, "web-blue"},
		{gcloud.Flags{Filter: "backends[0].group~b$"}, ""},
		{gcloud.Flags{Filter: "log.enable=true"}, "web-blue"},
		{gcloud.Flags{Filter: "note:*"}, "store"},
		{gcloud.Flags{Filter: "absent=x"}, ""},
		{gcloud.Flags{Filter: "absent!=x"}, "web-blue web-green store"},
		{gcloud.Flags{SortBy: "name"}, "store web-blue web-green"},
		{gcloud.Flags{SortBy: "~name"}, "web-green web-blue store"},
		{gcloud.Flags{SortBy: "size"}, "web-green store web-blue"},
		{gcloud.Flags{SortBy: "size,name", Limit: 2}, "store web-green"},
		{gcloud.Flags{Flatten: "backends[]"}, "web-blue web-blue web-green store"},
		{gcloud.Flags{Flatten: "backends", Filter: "backends.group~b$"}, "web-blue"},
		{gcloud.Flags{Flatten: "backends", SortBy: "~backends.group", Limit: 2}, "web-blue web-blue"},
		{gcloud.Flags{Flatten: "log.enable,absent[]"}, "web-blue web-green store"},
	} {
		query, err := gcloud.Parse(test.flags)
		if err != nil {
			t.Errorf("%+v: %v", test.flags, err)
			continue
		}
		var got []string
		for _, r := range query.Select(resources()) {
			got = append(got, r["name"].(string))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %q, want %q", test.flags, got, test.want)
		}
	}
}

func TestPrintList(t *testing.T) {
	for _, test := range []struct {
		format string
		want   string
	}{
		{"", "NAME       SIZE\nweb-blue   10\nweb-green  9\nstore      9\n"},
		{"table", "NAME       SIZE\nweb-blue   10\nweb-green  9\nstore      9\n"},
		{"table[no-heading](name)", "web-blue\nweb-green\nstore\n"},
		{"table(name, IPAddress:label=IP)", "NAME       IP\nweb-blue   127.0.0.1\nweb-green\nstore\n"},
		{"value(name,zone.basename())", "web-blue\tus-west1-a\nweb-green\tus-east1-b\nstore\tus-east1-b\n"},
		{"value[separator=' '](name, size)", "web-blue 10\nweb-green 9\nstore 9\n"},
		{"value(backends[].group)", "zones/z/a;zones/z/b\n\n\n"},
		{"value(backends[].group.list(), backends.len())", "zones/z/a,zones/z/b\t2\n\t0\n\t0\n"},
		{"get(backends)", "{'group': 'zones/z/a'};{'group': 'zones/z/b'}\n\n\n"},
		{"value(backends, log)", "group=zones/z/a;group=zones/z/b\tenable=True;rate=0.5\n\t\n\t\n"},
		{"get(log.enable, rate, log)", "True\t\t{'enable': True, 'rate': 0.5}\n\t100000000\t\n\t\t\n"},
		{"csv(name,IPAddress,note)", "name,ip_address,note\nweb-blue,127.0.0.1,\nweb-green,,\nstore,,\"a, b\"\n"},
		{"table(name, backends[].group)", "NAME       GROUP\nweb-blue   ['zones/z/a', 'zones/z/b']\nweb-green\nstore\n"},
		{"table(name:label='THE/NAME', log)", "THE/NAME   LOG\nweb-blue   {'enable': True, 'rate': 0.5}\nweb-green\nstore\n"},
		{"value(target.scope(), target.scope(global), target.basename())", "us-west1/targetHttpProxies/t\tt\tt\n\t\t\nt\ttargetHttpProxies/t\tt\n"},
		{"value(target.segment(6), target.segment(-2), target.segment(99))", "p\ttargetHttpProxies\t\n\t\t\np\ttargetHttpProxies\t\n"},
		{"value(backends[].group.basename().list(separator=' + '))", "a + b\n\n\n"},
		{"value(backends[].group.join('|'), name.len())", "zones/z/a|zones/z/b\t8\n\t9\n\t5\n"},
		{"value(firstof(IPAddress, note), rate.yesno(no=none))", "127.0.0.1\tnone\n\t100000000\na, b\tnone\n"},
		{"value(made.date('%Y-%m-%d %H:%M'), location(), uri())", "2026-11-27 20:15\tus-west1-a\thttps://x/web-blue\n\tus-east1-b\thttps://x/web-green\n\tus-east1-b\thttps://x/store\n"},
		{"csv[no-heading](name)", "web-blue\nweb-green\nstore\n"},
		{"json(name)", "[\n  {\n    \"name\": \"web-blue\"\n  },\n  {\n    \"name\": \"web-green\"\n  },\n  {\n    \"name\": \"store\"\n  }\n]\n"},
		{"yaml(log.rate)", "---\nlog:\n  rate: 0.5\n---\n{}\n---\n{}\n"},
		{"none", ""},
		{"disable", ""},
		{"table[box](name,size:align=right)", "┌───────────┬──────┐\n│    NAME   │ SIZE │\n├───────────┼──────┤\n│ web-blue  │   10 │\n│ web-green │    9 │\n│ store     │    9 │\n└───────────┴──────┘\n"},
		{"table[all-box,no-heading](size)", "┌────┐\n│ 10 │\n├────┤\n│ 9  │\n├────┤\n│ 9  │\n└────┘\n"},
		{"table[box,title=Webs](name:optional, absent:optional, size:width=5)", "┌───────────────────┐\n│        Webs       │\n├───────────┬───────┤\n│    NAME   │  SIZE │\n├───────────┼───────┤\n│ web-blue  │ 10    │\n│ web-green │ 9     │\n│ store     │ 9     │\n└───────────┴───────┘\n"},
		{"table[title='All of them',pad=1](name:sort=2,size:sort=1:reverse)", " All of them\nNAME      SIZE\nweb-blue  10\nstore     9\nweb-green 9\n"},
		{"table(absent:optional)", ""},
		{"table(name, IPAddress:align=right, size)", "NAME       IP_ADDRESS  SIZE\nweb-blue    127.0.0.1  10\nweb-green              9\nstore                  9\n"},
		{"value[delimiter='+'](backends[].group)", "zones/z/a+zones/z/b\n\n\n"},
		{`value[delimiter="\n"](backends[].group)`, "zones/z/a\nzones/z/b\n\n\n"},
		{"csv[separator='|',delimiter=' '](name,backends[].group)", "name|group\nweb-blue|zones/z/a zones/z/b\nweb-green|\nstore|\n"},
		{"list(name,size)", " - web-blue\n   10\n - web-green\n   9\n - store\n   9\n"},
		{"list[compact,title=Webs](name,note)", "Webs\n - web-blue\n - web-green\n - store a, b\n"},
		{"flattened(name,log)", "---\nlog.enable: True\nlog.rate:   0.5\nname:       web-blue\n---\nname: web-green\n---\nname: store\n"},
		{"text[no-pad](name,backends[].group)", "---\nbackends.group[0]: zones/z/a\nbackends.group[1]: zones/z/b\nname: web-blue\n---\nname: web-green\n---\nname: store\n"},
		{"value(name.upper(), name.slice(0:3), name.slice(-4:), name.sub('[aeiou]+','_',1))", "WEB-BLUE\tw;e;b\tb;l;u;e\tw_b-blue\nWEB-GREEN\tw;e;b\tr;e;e;n\tw_b-green\nSTORE\ts;t;o\tt;o;r;e\tst_re\n"},
		{"value(name.split(-).sort(), name.trailoff(7), note.undefined(none), name.encode(base64).decode(base64))", "blue;web\tweb-...\tnone\tweb-blue\ngreen;web\tweb-...\tnone\tweb-green\nstore\tstore\ta, b\tstore\n"},
		{"value(rate.size(), size.size(), log.extract(rate,enable), made.iso())", "\t10 bytes\t0.5;True\t2026-11-27T20:15:00.000+00:00\n95.4 MiB\t9 bytes\t\t\n\t9 bytes\t\t\n"},
		{"value(backends[].group.slice(1), backends[].group.flatten(separator=' '), name.sub('(w)(e)','\\2\\1'))", "zones/z/b\tzones/z/a zones/z/b\tewb-blue\n\t\tewb-green\n\t\tstore\n"},
	} {
		query, err := gcloud.Parse(gcloud.Flags{Format: test.format, Table: "table(name,size)"})
		if err != nil {
			t.Errorf("%s: %v", test.format, err)
			continue
		}
		var got strings.Builder
		if err := query.PrintList(&got, resources()); err != nil {
			t.Errorf("%s: %v", test.format, err)
		}
		if got.String() != test.want {
			t.Errorf("%s:\n%q, want\n%q", test.format, got.String(), test.want)
		}
	}
}

func TestPrintNothing(t *testing.T) {
	for format, want := range map[string]string{"": "", "json": "[]\n", "yaml": "", "csv(name)": "name\n", "value(name)": ""} {
		query, err := gcloud.Parse(gcloud.Flags{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := query.PrintList(&got, nil); err != nil || got.String() != want {
			t.Errorf("%q: %q, want %q; error %v", format, got.String(), want, err)
		}
	}
}

func TestPrintOne(t *testing.T) {
	for format, want := range map[string]string{
		"":                            "name: store\nnote: a, b\nselfLink: https://x/store\nsize: 9\ntarget: https://www.googleapis.com/compute/v1/projects/p/global/targetHttpProxies/t\nzone: zones/us-east1-b\n",
		"json(name)":                  "{\n  \"name\": \"store\"\n}\n",
		"value(name)":                 "store\n",
		"table(name,zone.basename())": "NAME   ZONE\nstore  us-east1-b\n",
	} {
		query, err := gcloud.Parse(gcloud.Flags{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := query.PrintOne(&got, resources()[2]); err != nil || got.String() != want {
			t.Errorf("%q: %q, want %q; error %v", format, got.String(), want, err)
		}
	}
}

func TestURI(t *testing.T) {
	query, err := gcloud.Parse(gcloud.Flags{URI: true, Filter: "name=store"})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := query.PrintList(&got, query.Select(resources())); err != nil || got.String() != "https://x/store\n" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

func TestErrors(t *testing.T) {
	for want, flags := range map[string]gcloud.Flags{
		"--filter: an operator is expected after \"name\"":  {Filter: "name"},
		"--filter: a value is expected":                     {Filter: "name="},
		"--filter: a parenthesis is not closed":             {Filter: "(name=x"},
		"--filter: unexpected \")\"":                        {Filter: "name=x)"},
		"--filter: a quotation mark is not closed":          {Filter: `name="x`},
		"--filter: error parsing regexp":                    {Filter: "name~["},
		"--filter: a term such as name=web is expected":     {Filter: "name=x AND"},
		"--filter: a value is expected at \"\"":             {Filter: "name:(a"},
		"--sort-by: \"\" is not the name of a field":        {SortBy: "name,"},
		"--limit: value must be greater than or equal to 1": {Limit: -1},
		"--format: format \"xml\" is none of csv":           {Format: "xml"},
		"--format: format value needs fields":               {Format: "value"},
		"lacks a closing parenthesis":                       {Format: "value(name"},
		"lacks a closing bracket":                           {Format: "value(a[0)"},
		"has an index that is not a number":                 {Format: "value(a[x])"},
		"is none of the functions always, basename, count":  {Format: "value(name.nope())"},
		"a field has no attribute \"colour\"":               {Format: "table(name:colour=red)"},
		":sort is a number from 1, not \"x\"":               {Format: "table(name:sort=x)"},
		":align is left, center or right, not \"up\"":       {Format: "table(name:align=up)"},
		"format value has no attribute \"box\"":             {Format: "value[box](name)"},
		"format json has no attribute \"box\", but none":    {Format: "json[box]"},
		"the only encoding is base64":                       {Format: "value(name.encode(rot13))"},
		"sub(): error parsing regexp":                       {Format: "value(name.sub('(','x'))"},
		"--flatten: \"\" is not the name of a field":        {Flatten: "name,"},
	} {
		if _, err := gcloud.Parse(flags); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", flags, err, want)
		}
	}
}

// TestAPIFilter has both forms of the filter parameter of Google's list methods.
func TestAPIFilter(t *testing.T) {
	for filter, want := range map[string]string{
		"":                                "web-blue web-green store",
		"name = store":                    "store",
		"name=STORE":                      "",
		`name != "store"`:                 "web-blue web-green",
		"size > 9":                        "web-blue",
		"(name = web*) (size <= 9)":       "web-green",
		"name = store OR name = web-blue": "web-blue store",
		"NOT note:*":                      "web-blue web-green",
		"log.enable = true":               "web-blue",
		"name eq web-.*":                  "web-blue web-green",
		"name eq web":                     "",
		"name eq 'web-(blue|red)'":        "web-blue",
		`name ne "web-.*"`:                "store",
		"note eq a, b":                    "store",
		"(name eq .*e) (size eq 9)":       "store",
		`(name ne ".*blue") (zone eq .*us-east.*)`: "web-green store",
	} {
		condition, err := gcloud.ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		var got []string
		for _, r := range resources() {
			if condition == nil || condition(r) {
				got = append(got, r["name"].(string))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", filter, got, want)
		}
	}
	for _, broken := range []string{"name", "name eq [", "(name = x", "name ~"} {
		if _, err := gcloud.ParseFilter(broken); err == nil {
			t.Errorf("%s was taken", broken)
		}
	}
}

// TestHostileFilters: nothing that somebody sends as a filter ends the process.
func TestHostileFilters(t *testing.T) {
	for name, filter := range map[string]string{
		"parentheses": strings.Repeat("(", 1<<20), "negations": strings.Repeat("-", 1<<20), "words": strings.Repeat("NOT ", 1<<18),
		"deep but short": strings.Repeat("(", 8<<10), "no UTF-8": "name=\xff", "no UTF-8 in words": "name:\xff",
	} {
		if _, err := gcloud.ParseFilter(filter); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
