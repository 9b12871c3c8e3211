package graph

// poolMeans turns averages over whole maps that keep their dims into global
// poolings, which fuse and quantise like those of older networks.
func poolMeans(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		mean, ok := l.Op.(*Reduce)
		if !ok || mean.Type != ReduceMean || !mean.KeepDim || len(shapes[l.In[0]]) != 4 {
			continue
		}
		if wholeMap(mean.Axes) {
			r.replace(l, &Pool{Type: AvgPoolExclusive, Global: true, Strides: [2]int{1, 1}}, l.In[0])
		}
	}
	return nil
}

// wholeMap reports whether axes are the two spatial dims of a map.
func wholeMap(axes []int) bool {
	if len(axes) != 2 {
		return false
	}
	a, b := (axes[0]+4)%4, (axes[1]+4)%4
	return a+b == 5 && min(a, b) == 2
}
