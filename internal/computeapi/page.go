package computeapi

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/gcloud"
)

// maxPage is the most that a page of the Compute API holds, and what it holds if nothing is said.
const maxPage = 500

// page is a part of a list.
type page[T any] struct {
	items []T
	// next leads to the next part; "" if this is the last.
	next string
}

// token is where a page begins: behind the item of this key.
type token struct {
	After []string `json:"after"`
}

func (t token) String() string {
	b, _ := json.Marshal(t) // text has JSON
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseToken(text string) (token, error) {
	var t token
	if text == "" {
		return t, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil || len(t.After) == 0 {
		return t, invalid("pageToken", text, "Page token is invalid.")
	}
	return t, nil
}

// parameter is a query parameter of a list, which the two APIs call differently.
func (c *call) parameter(names ...string) (name, value string) {
	query := c.URL.Query()
	for _, name := range names {
		if value := query.Get(name); value != "" {
			return name, value
		}
	}
	return names[0], ""
}

// size is how many items a page holds.
func (c *call) size() (int, error) {
	name, value := c.parameter("maxResults", "pageSize")
	if value == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || n < 0 || (n > maxPage && name == "maxResults"):
		return 0, invalid(name, value, "Must be between 0 and "+strconv.Itoa(maxPage)+".")
	case n == 0:
		return maxPage, nil
	}
	return min(n, maxPage), nil
}

// filter is the condition of a list, nil for none.
func (c *call) filter() (gcloud.Condition, error) {
	_, value := c.parameter("filter")
	condition, err := gcloud.ParseFilter(value)
	if err != nil {
		return nil, invalid("filter", value, "Invalid list filter expression: "+err.Error()+".")
	}
	return condition, nil
}

// The orders of lists.
const (
	byName   = "name"
	byNewest = "creationTimestamp desc"
)

// orderKey is what a list is ordered by, and the path, which no two share.
func (c *call) orderKey() (func(compute.Resource) []string, error) {
	switch _, value := c.parameter("orderBy"); value {
	case "", byName:
		return func(r compute.Resource) []string { return []string{r.Name, r.Path} }, nil
	case byNewest:
		// The newest has the smallest key.
		return func(r compute.Resource) []string {
			return []string{strconv.FormatUint(^uint64(r.Created.UnixNano())>>1|1<<63, 16), r.Path}
		}, nil
	default:
		return nil, invalid("orderBy", value, `Lists are ordered by "name" or "creationTimestamp desc".`)
	}
}

// page is the part of a list, which is in order of name, that is asked for.
func (c *call) page(members []compute.Resource) (page[compute.Resource], error) {
	key, err := c.orderKey()
	if err != nil {
		return page[compute.Resource]{}, err
	}
	if _, order := c.parameter("orderBy"); order == byNewest {
		members = slices.SortedFunc(slices.Values(members), func(a, b compute.Resource) int { return slices.Compare(key(a), key(b)) })
	}
	return pageOf(c, members, key, fieldsOf)
}

// fieldsOf is what a filter looks at.
func fieldsOf(r compute.Resource) (map[string]any, error) {
	b, err := r.MarshalJSON()
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	return fields, json.Unmarshal(b, &fields)
}

// pageOf cuts a page out of items that are in order of their keys.
func pageOf[T any](c *call, items []T, key func(T) []string, fields func(T) (map[string]any, error)) (page[T], error) {
	size, err := c.size()
	if err != nil {
		return page[T]{}, err
	}
	condition, err := c.filter()
	if err != nil {
		return page[T]{}, err
	}
	_, text := c.parameter("pageToken")
	from, err := parseToken(text)
	if err != nil {
		return page[T]{}, err
	}
	if from.After != nil {
		i, found := slices.BinarySearchFunc(items, from.After, func(item T, after []string) int { return slices.Compare(key(item), after) })
		if found {
			i++
		}
		items = items[i:]
	}
	var out page[T]
	for _, item := range items {
		if condition != nil {
			f, err := fields(item)
			if err != nil {
				return out, err
			}
			if !condition(f) {
				continue
			}
		}
		if len(out.items) == size {
			out.next = token{key(out.items[size-1])}.String()
			break
		}
		out.items = append(out.items, item)
	}
	return out, nil
}
