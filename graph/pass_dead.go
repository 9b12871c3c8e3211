package graph

// removeDead drops layers that no fetched value needs.
func removeDead(r *rewriter) error {
	needed := make(map[*Layer]bool)
	var visit func(*Value)
	visit = func(v *Value) {
		if v == nil || v.Producer == nil || needed[v.Producer] {
			return
		}
		needed[v.Producer] = true
		for _, in := range v.Producer.In {
			visit(in)
		}
	}
	for _, o := range r.g.Outputs {
		visit(o.Value)
	}
	for l := range r.layers() {
		if !needed[l] {
			r.remove(l)
		}
	}
	return nil
}
