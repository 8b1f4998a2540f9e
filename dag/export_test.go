package dag

// List is what String writes of a large graph.
func (g *Graph) List() string { return g.list() }
