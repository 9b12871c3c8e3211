package graph

import "slices"

// fuseShuffle recognises what ShuffleNets of Paddle 2.x write for a channel
// shuffle: channels seen as [groups, C/groups], those two dims swapped, and
// seen as channels again, with the map left as two dims or as one.
func fuseShuffle(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		back, ok := l.Op.(*Reshape)
		if !ok || back.Mode != ReshapeTo {
			continue
		}
		swap := r.producer(l.In[0])
		if swap == nil {
			continue
		}
		t, ok := swap.Op.(*Transpose)
		if !ok || !slices.Equal(t.Perm, []int{0, 2, 1, 3, 4}) && !slices.Equal(t.Perm, []int{0, 2, 1, 3}) {
			continue
		}
		split := r.producer(swap.In[0])
		if split == nil {
			continue
		}
		if _, ok := split.Op.(*Reshape); !ok {
			continue
		}
		x := split.In[0]
		if groups := shuffledGroups(shapes[x], shapes[swap.In[0]]); groups > 0 && slices.Equal(shapes[x], shapes[l.Out[0]]) {
			r.remove(split)
			r.remove(swap)
			r.replace(l, &ShuffleChannel{Groups: groups}, x)
		}
	}
	return nil
}

// shuffledGroups is the number of groups that a map x is seen in, or 0.
func shuffledGroups(x, seen Shape) int {
	if len(x) != 4 || len(seen) < 4 || seen[1]*seen[2] != x[1] || seen[0] != x[0] {
		return 0
	}
	if !slices.Equal(seen[3:], x[2:]) && !slices.Equal(seen[3:], Shape{x[2] * x[3]}) {
		return 0
	}
	return seen[1]
}
