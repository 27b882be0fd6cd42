package computeapi

import (
	"fmt"
	"net/http"
	"time"
)

// delete takes away a network endpoint group that nobody uses; everything else is what Kubernetes objects say.
func (c *call) delete() (any, error) {
	of, target, err := c.one()
	if err != nil {
		return nil, err
	}
	if c.access == ReadOnly || of.Name != "networkEndpointGroups" {
		return nil, c.readOnly()
	}
	if users := c.edition.view.Users(target.Location.Zone, target.Name); len(users) > 0 {
		return nil, &Error{Code: http.StatusBadRequest, Reason: reasonInUse, Message: fmt.Sprintf(
			"The network_endpoint_group resource '%s' is already being used by '%s'", target.Path, users[0])}
	}
	if c.front.groups == nil {
		return nil, &Error{Code: http.StatusBadRequest, Reason: reasonNotReady, Message: fmt.Sprintf(
			"The resource '%s' is not ready: it is kept for the Service that it was made for, which would make it again", target.Path)}
	}
	operation, begun := c.front.operations.begin(c.edition.info.Project(), c.front.now(), target)
	if !begun {
		return nil, &Error{Code: http.StatusBadRequest, Reason: reasonNotReady, Message: fmt.Sprintf(
			"The resource '%s' is not ready: operation '%s' deletes it", target.Path, operation)}
	}
	if err := c.front.groups.Delete(target.Location.Zone, target.Name); err != nil {
		c.front.operations.withdraw(operation)
		return nil, &Error{Code: http.StatusBadRequest, Reason: reasonNotReady, Message: fmt.Sprintf("The resource '%s' is not ready: %v", target.Path, err)}
	}
	return c.awaited(operation, target.Location, promptly)
}

// promptly is how long a delete waits for what it began: a transaction or two. What takes longer is answered as running.
const promptly = 2 * time.Second
