package variable

import "testing"

func TestUserAgents(t *testing.T) {
	for _, c := range []struct{ agent, device, family string }{
		{"", "UNDETERMINED", "OTHER"},
		{"curl/8.5.0", "UNDETERMINED", "OTHER"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "DESKTOP", "GOOGLE"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "DESKTOP", "MICROSOFT"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "DESKTOP", "APPLE"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "DESKTOP", "GECKO"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1", "MOBILE", "GOOGLE"},
		{"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "TABLET", "APPLEWEBKIT"},
		{"Mozilla/5.0 (Linux; Android 14; Pixel Tablet) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "TABLET", "GOOGLE"},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36", "MOBILE", "GOOGLE"},
		{"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36", "SMART_TV", "APPLE"},
		{"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15", "GAME_CONSOLE", "APPLE"},
		{"Roku/DVP-12.0 (12.0.0.4182-88)", "SET_TOP_BOX", "OTHER"},
		{"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "DESKTOP", "MSIE"},
		{"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.12", "MOBILE", "OPERA"},
	} {
		if device, family := Device([]byte(c.agent)), Family([]byte(c.agent)); device != c.device || family != c.family {
			t.Errorf("%q is %s %s, want %s %s", c.agent, device, family, c.device, c.family)
		}
	}
}
