package variable

import "bytes"

// mark is a piece of a User-Agent and what it stands for.
type mark struct{ has, value string }

// devices are looked for in this order: a smart TV also says that it runs Android.
var devices = []mark{
	{"PlayStation", "GAME_CONSOLE"},
	{"Xbox", "GAME_CONSOLE"},
	{"Nintendo", "GAME_CONSOLE"},
	{"SMART-TV", "SMART_TV"},
	{"SmartTV", "SMART_TV"},
	{"Tizen", "SMART_TV"},
	{"Web0S", "SMART_TV"},
	{"GoogleTV", "SMART_TV"},
	{"BRAVIA", "SMART_TV"},
	{"HbbTV", "SMART_TV"},
	{"NetCast", "SMART_TV"},
	{"AppleTV", "SET_TOP_BOX"},
	{"Apple TV", "SET_TOP_BOX"},
	{"Roku", "SET_TOP_BOX"},
	{"CrKey", "SET_TOP_BOX"},
	{"AFT", "SET_TOP_BOX"},
	{"AlexaMediaPlayer", "SMART_SPEAKER"},
	{"HomePod", "SMART_SPEAKER"},
	{"AudioAccessory", "SMART_SPEAKER"},
	{"Watch", "WEARABLE"},
	{"SM-R8", "WEARABLE"},
	{"iPad", "TABLET"},
	{"Tablet", "TABLET"},
	{"Kindle", "TABLET"},
	{"Silk/", "TABLET"},
	{"PlayBook", "TABLET"},
	{"iPhone", "MOBILE"},
	{"iPod", "MOBILE"},
	{"Mobile", "MOBILE"},
	{"Opera Mini", "MOBILE"},
	{"BlackBerry", "MOBILE"},
	{"DoCoMo", "MOBILE"},
	{"Android", "TABLET"}, // without "Mobile"
	{"Windows NT", "DESKTOP"},
	{"Macintosh", "DESKTOP"},
	{"X11", "DESKTOP"},
	{"CrOS", "DESKTOP"},
}

// families are looked for in this order: most browsers say that they are like the ones further down.
var families = []mark{
	{"DoCoMo", "DOCOMO"},
	{"BlackBerry", "BLACKBERRY"},
	{"BB10", "BLACKBERRY"},
	{"Nokia", "NOKIA"},
	{"NetFront", "NETFRONT"},
	{"Obigo", "OBIGO"},
	{"Teleca", "TELECA"},
	{"POLARIS", "POLARIS"},
	{"Polaris", "POLARIS"},
	{"UP.Browser", "OPENWAVE"},
	{"Openwave", "OPENWAVE"},
	{"SonyEricsson", "SEMC"},
	{"SEMC", "SEMC"},
	{"SMIT", "SMIT"},
	{"Opera", "OPERA"},
	{"OPR/", "OPERA"},
	{"OPiOS/", "OPERA"},
	{"Edg/", "MICROSOFT"},
	{"EdgA/", "MICROSOFT"},
	{"EdgiOS/", "MICROSOFT"},
	{"Edge/", "MICROSOFT"},
	{"MSIE", "MSIE"},
	{"Trident/", "MSIE"},
	{"Googlebot", "GOOGLE"},
	{"Chrome/", "GOOGLE"},
	{"CriOS/", "GOOGLE"},
	{"Chromium/", "GOOGLE"},
	{"Konqueror", "KHTML"},
	{"Safari/", "APPLE"},
	{"AppleWebKit", "APPLEWEBKIT"},
	{"KHTML", "KHTML"},
	{"Gecko/", "GECKO"},
}

// Device is the kind of device that a User-Agent speaks of.
func Device(userAgent []byte) string { return find(devices, userAgent, "UNDETERMINED") }

// Family is the kind of browser that a User-Agent speaks of.
func Family(userAgent []byte) string { return find(families, userAgent, "OTHER") }

func find(list []mark, userAgent []byte, otherwise string) string {
	for i := range list {
		if bytes.Contains(userAgent, []byte(list[i].has)) {
			return list[i].value
		}
	}
	return otherwise
}
