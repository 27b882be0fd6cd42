package lab

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	const printed = "NAME    AGE\nstore   2m40s\nstore-west-1   12s\n"
	for _, same := range []string{
		"NAME  AGE\nstore  1s\nstore-west-1  3d10h", "...\nstore-west-1  1s", "NAME AGE\n...", "...", "...\nstore 1s\n...", "NAME AGE\n...\nstore 1s\n...\nstore-west-1 1s\n...",
	} {
		if err := Compare(same, printed); err != nil {
			t.Errorf("%q: %v", same, err)
		}
	}
	for other, why := range map[string]string{
		"NAME AGE\nstore 1s":                  "more than is shown, from line 3",
		"NAME AGE\nstore-west-1 1s":           "line 2 of what is shown after its first 1 lines",
		"NAME AGE\nstore\n...":                "line 2",
		"...\nstore-east-1 1s\n...":           "store-east-1 AGE",
		"...\nstore-west-1 1s\nstore 1s\n...": "line 3",
	} {
		if err := Compare(other, printed); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", other, err, why)
		}
	}
}

func TestWhatDiffersFromRunToRun(t *testing.T) {
	for _, pair := range [][2]string{
		{"store-d999976bb-vr2w4 1/1 Running 0 7s", "store-5f5b954888-dg22z 1/1 Running 0 2m"},
		{"/projects/1/global/addresses/gkemcg1-store-external-http-9ly8fkjbev1i", "/projects/1/global/addresses/gkemcg1-store-external-http-laup24msshu4"},
		{`k8s1-0a1b2c3d-default-neg-demo-svc-80-11112222`, `k8s1-9a1b2c3d-default-neg-demo-svc-80-11113333`},
		{`k8s2-fr-0a1b2c3d-default-neg-demo-ing-11112222`, `k8s2-fr-zz1b2c3d-default-neg-demo-ing-1111333z`},
		{"/addresses/gkegw1-8p9u-default-internal-http-0np5c1yntwxx,", "/addresses/gkegw1-aaaa-default-internal-http-ret4w8l5p7v7,"},
		{"Value:  10.127.45.158", "Value: 10.127.1.1"},
		{"Normal SYNC 4m22s (x216 over 10h) mc-gateway-controller", "Normal  SYNC  1s  mc-gateway-controller"},
		{`  "pod_name_emoji": "X",`, `  "pod_name_emoji": "🦉",`},
		{"date: Sat, 28 Nov 2026 07:58:23 GMT", "date: Sun, 29 Nov 2026 07:58:23 GMT"},
	} {
		if canonical(pair[0]) != canonical(pair[1]) {
			t.Errorf("%q and %q: %q, %q", pair[0], pair[1], canonical(pair[0]), canonical(pair[1]))
		}
	}
	for _, pair := range [][2]string{
		{"Status: True", "Status: False"},
		{"store-west-1 1s", "store-east-1 1s"},
		{"store-d999976bb-vr2w4 1/1", "store-d999976bb-vr2w4 0/1"},
		{"/global/addresses/gkemcg1-store-external-http-9ly8fkjbev1i", "/global/addresses/gkemcg1-store-external-https-9ly8fkjbev1i"},
		{"ssl-certificates:", "ssl-certificates: x"},
		{"2 2 2 2 AGE", "2 2 1 2 AGE"},
	} {
		if canonical(pair[0]) == canonical(pair[1]) {
			t.Errorf("%q and %q are the same", pair[0], pair[1])
		}
	}
}
