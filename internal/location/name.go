package location

import "strings"

// Name is what reports call a data plane: its region, if it is the only one there, or "REGION/PROXY".
func Name(region, proxy string) string {
	if proxy == "" {
		return region
	}
	return region + "/" + proxy
}

// Region is the region of a data plane, by its name.
func Region(name string) string {
	region, _, _ := strings.Cut(name, "/")
	return region
}
