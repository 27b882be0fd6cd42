package exchange

// mirror sends copies of the request to the rule's mirrors.
func (x *Exchange) mirror() {}
