package calibrate

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
)

// A nameSet holds the names of a graph's values.
type nameSet map[string]bool

func namesOf(g *graph.Graph) nameSet {
	n := make(nameSet)
	for v := range g.Values() {
		n[v.Name] = true
	}
	return n
}

// take takes base, or base with a number behind it where that is taken.
func (n nameSet) take(base string) string {
	name := base
	for i := 1; n[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	n[name] = true
	return name
}
