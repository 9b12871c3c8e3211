package infer

// MemoryStats tells what memory a predictor holds outside of Go's heap, apart
// from the machine code of its plans.
type MemoryStats struct {
	// WeightsBytes are the packed parameters, which exist once for all plans.
	WeightsBytes int `json:"weights_bytes"`
	// MappedBytes are packed parameters in a file, see Options.PackedCache, which
	// all processes share that use it.
	MappedBytes int `json:"mapped_bytes"`
	// ArenaBytes are what the streams, and the team of threads, compute in: for
	// each the most that a plan it has run needs.
	ArenaBytes int `json:"arena_bytes"`
	// ConstantBytes belong to single plans: scales, and masks of some poolings.
	ConstantBytes int `json:"constant_bytes"`
	// ShapeBytes is what Options.ShapeBytes bounds.
	ShapeBytes int `json:"shape_bytes"`
	// Plans counts the combinations of shapes, images at once and threads that
	// are compiled.
	Plans int `json:"plans"`
}

// MemoryStats returns the memory that p holds now. It may be called at any time.
func (p *Predictor) MemoryStats() MemoryStats {
	s := MemoryStats{ArenaBytes: int(p.arenas.Load()), WeightsBytes: p.weights.bytes(), MappedBytes: p.weights.mappedBytes(), ShapeBytes: p.shelf.size()}
	p.plans.mu.Lock()
	defer p.plans.mu.Unlock()
	for _, pl := range p.plans.m {
		s.Plans++
		s.ConstantBytes += pl.constants.bytes
	}
	return s
}
