package graph

import "github.com/octet-dnn/octet/model"

// Build turns a program into a graph ready to compile: Import, then Optimize.
// The graph's constants alias the parameters of m where a pass did not have to
// compute new ones; neither is ever modified in place.
func Build(m *model.Model) (*Graph, error) {
	g, err := Import(m)
	if err != nil {
		return nil, err
	}
	if err := Optimize(g); err != nil {
		return nil, err
	}
	return g, nil
}
